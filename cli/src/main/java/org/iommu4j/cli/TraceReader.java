package org.iommu4j.cli;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * Reads the events a replay needs out of a trace, in one pass and constant memory, and counts what
 * it passes over. Comments and empty lines count as nothing. Not for use by several threads.
 */
final class TraceReader implements Closeable {
    private static final int SHOWN = 120;

    private final TraceLines lines;
    private final UnitNames units = new UnitNames();
    private final EventParser parser = new EventParser(units);
    private final TraceTime time = new TraceTime();
    private long ignored;
    private long malformed;
    private Optional<String> firstMalformed = Optional.empty();

    TraceReader(InputStream trace) {
        lines = new TraceLines(trace);
    }

    /**
     * Reads up to the next map, unmap or flush.
     *
     * @param event overwritten with it; undefined at the end of the trace
     * @return false at the end of the trace
     * @throws IOException if the stream cannot be read, or not be decompressed
     */
    boolean next(TraceEvent event) throws IOException {
        while (lines.advance()) {
            switch (parser.parse(lines, event)) {
                case EVENT -> {
                    return true;
                }
                case OTHER -> passOver();
                case MALFORMED -> complain();
            }
        }
        return false;
    }

    /** Lines read, of every kind. */
    long lines() {
        return lines.number();
    }

    /**
     * Lines read that are neither map, unmap or flush events nor malformed, less comments and empty
     * ones.
     */
    long ignored() {
        return ignored;
    }

    /** Lines that claim to be a map or unmap event and cannot be read. */
    long malformed() {
        return malformed;
    }

    /** The first malformed line: its number, what is wrong, and its text, shortened. */
    Optional<String> firstMalformed() {
        return firstMalformed;
    }

    /** When the event last read was logged, in nanoseconds, or {@link TraceTime#UNKNOWN}. */
    long time() {
        return time.nanos(lines.bytes(), lines.start(), lines.end());
    }

    /** What a domain that the trace names is called. */
    String domainName(long domain) {
        return units.domainName(domain);
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }

    private void passOver() {
        byte[] bytes = lines.bytes();
        int at = lines.start();
        while (at < lines.end() && bytes[at] <= ' ' && bytes[at] >= 0) {
            at++;
        }
        if (at < lines.end() && bytes[at] != '#') {
            ignored++;
        }
    }

    private void complain() {
        malformed++;
        if (firstMalformed.isEmpty()) {
            firstMalformed =
                    Optional.of(
                            "line "
                                    + lines.number()
                                    + ": "
                                    + parser.complaint()
                                    + ": \""
                                    + lines.text(SHOWN)
                                    + '"');
        }
    }
}
