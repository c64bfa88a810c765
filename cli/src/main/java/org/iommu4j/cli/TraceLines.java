package org.iommu4j.cli;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * The lines of a stream of bytes, each handed out in place, so that reading a trace of any length
 * takes one buffer and makes no object. A line is {@code bytes()[start() .. end())}, and the byte
 * at {@code end()} is always a line feed, so that a parser needs no bounds check: no character it
 * accepts is a line feed.
 *
 * <p>A line longer than the buffer is cut to the buffer's length, and its rest skipped.
 */
final class TraceLines implements Closeable {
    static final int CAPACITY = 1 << 18;

    private final InputStream in;
    private final byte[] bytes = new byte[CAPACITY + 1 + Bytes.PADDING];
    private int filled;
    private int start;
    private int end;
    private int next;
    private long number;
    private boolean endOfStream;
    private boolean terminated = true;
    private boolean skipRest;

    TraceLines(InputStream in) {
        this.in = in;
    }

    /** Moves to the next line; false at the end of the stream. */
    boolean advance() throws IOException {
        if (skipRest) {
            skipRestOfLine();
        }
        int lineFeed = find(next);
        while (lineFeed < 0) {
            if (endOfStream) {
                return lastLine();
            }
            if (filled - next == CAPACITY) {
                skipRest = true;
                return line(filled, filled);
            }
            int searched = filled - next;
            fill();
            lineFeed = find(next + searched);
        }
        return line(lineFeed, lineFeed + 1);
    }

    byte[] bytes() {
        return bytes;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    /** The current line's number, the first being 1; 0 before the first. */
    long number() {
        return number;
    }

    /**
     * Whether the current line ended with a line feed. The last line of a log that was cut off does
     * not.
     */
    boolean terminated() {
        return terminated;
    }

    /**
     * The current line as text, at most {@code limit} characters, what is not printable shown as a
     * dot.
     */
    String text(int limit) {
        int length = Math.min(end - start, limit);
        String text = new String(bytes, start, length, StandardCharsets.ISO_8859_1).strip();
        String shown = text.replaceAll("[^ -~]", ".");
        return length < end - start ? shown + "..." : shown;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    private boolean line(int lineEnd, int following) {
        start = next;
        end = lineEnd;
        next = following;
        bytes[end] = '\n';
        number++;
        return true;
    }

    private boolean lastLine() {
        if (next == filled) {
            return false;
        }
        terminated = false;
        return line(filled, filled);
    }

    private void skipRestOfLine() throws IOException {
        skipRest = false;
        int lineFeed = -1;
        while (lineFeed < 0 && !endOfStream) {
            next = filled;
            fill();
            lineFeed = find(next);
        }
        next = lineFeed < 0 ? filled : lineFeed + 1;
    }

    private int find(int from) {
        return Bytes.indexOf(bytes, from, filled, '\n');
    }

    /** Moves what is left to the front and reads on; what is left is less than the capacity. */
    private void fill() throws IOException {
        System.arraycopy(bytes, next, bytes, 0, filled - next);
        filled -= next;
        next = 0;
        int count = in.read(bytes, filled, CAPACITY - filled);
        if (count < 0) {
            endOfStream = true;
        } else {
            filled += count;
        }
    }
}
