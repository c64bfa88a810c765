package org.iommu4j.conformance;

import java.io.PrintWriter;
import java.io.Serial;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What a contract saw while it ran. Any thread may add to it. */
public final class Evidence {

    private static final int MOST_LINES = 1000;

    private final List<String> lines = new ArrayList<>();

    Evidence() {}

    /**
     * Notes something that was seen.
     *
     * @param line what it is
     */
    public synchronized void note(String line) {
        if (lines.size() < MOST_LINES) {
            lines.add(line);
        }
    }

    /**
     * Ends the run as broken unless something holds.
     *
     * @param holds what must hold
     * @param otherwise says what was seen instead, with the values
     */
    public void require(boolean holds, Supplier<String> otherwise) {
        if (!holds) {
            throw new Broken(otherwise.get());
        }
    }

    /**
     * Ends the run as broken.
     *
     * @param what says what was seen, with the values
     * @return never; for the compiler's sake
     */
    public RuntimeException broken(String what) {
        throw new Broken(what);
    }

    /**
     * Ends the run because the contract does not apply to the subject.
     *
     * @param reason why
     * @return never; for the compiler's sake
     */
    public RuntimeException skip(String reason) {
        throw new Skipped(reason);
    }

    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** The contract is broken. */
    static final class Broken extends RuntimeException {
        @Serial private static final long serialVersionUID = 1;

        Broken(String message) {
            super(message);
        }
    }

    /** The contract does not apply. */
    static final class Skipped extends RuntimeException {
        @Serial private static final long serialVersionUID = 1;

        Skipped(String message) {
            super(message);
        }
    }
}
