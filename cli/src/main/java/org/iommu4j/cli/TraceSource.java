package org.iommu4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Where a trace comes from: a file, standard input, or the sample that is bundled with the command.
 */
sealed interface TraceSource {
    /** How a report names it. */
    String name();

    /** Its size in bytes as it is stored, or 0 if that is not known beforehand. */
    long storedBytes();

    /** Opens it, as it is stored. */
    InputStream open() throws IOException;

    /**
     * Finds a trace.
     *
     * @param trace a file's name, or {@code -} for standard input
     * @param in standard input
     * @throws CommandFailure if there is no such file
     */
    static TraceSource named(String trace, InputStream in) {
        if (trace.equals("-")) {
            return new StandardInput(in);
        }
        try {
            Path file = Path.of(trace);
            if (Files.isDirectory(file)) {
                throw new CommandFailure(trace + " is a directory; a trace file was expected");
            }
            return new TraceFile(file, Files.size(file));
        } catch (NoSuchFileException | InvalidPathException e) {
            throw new CommandFailure("there is no file " + trace, e);
        } catch (IOException e) {
            throw new CommandFailure("cannot read " + trace + ": " + e.getMessage(), e);
        }
    }

    /** A few seconds of a real machine. */
    static TraceSource bundled() {
        return new Sample();
    }

    /** A trace in a file. */
    record TraceFile(Path file, long storedBytes) implements TraceSource {
        @Override
        public String name() {
            return file.toString();
        }

        @Override
        public InputStream open() throws IOException {
            return Files.newInputStream(file);
        }
    }

    /** A trace piped in. */
    record StandardInput(InputStream in) implements TraceSource {
        @Override
        public String name() {
            return "standard input";
        }

        @Override
        public long storedBytes() {
            return 0;
        }

        @Override
        public InputStream open() {
            return in;
        }
    }

    /**
     * The bundled sample: the beginning of a trace of VFIO with huge pages beside an NVMe disk at
     * work.
     */
    record Sample() implements TraceSource {
        private static final String RESOURCE = "vfio-type1-hugepages-sample.txt.xz";

        @Override
        public String name() {
            return "bundled sample " + RESOURCE;
        }

        @Override
        public long storedBytes() {
            return 0;
        }

        @Override
        public InputStream open() {
            return Objects.requireNonNull(
                    TraceSource.class.getResourceAsStream(RESOURCE), RESOURCE);
        }
    }
}
