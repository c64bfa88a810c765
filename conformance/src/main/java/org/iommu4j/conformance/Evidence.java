package org.iommu4j.conformance;

import java.io.PrintWriter;
import java.io.Serial;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a contract saw while it ran: the first lines that were noted, and the last. Any thread may
 * add to it.
 */
public final class Evidence {

    private static final int FIRST_LINES = 10;
    private static final int LAST_LINES = 100;

    private final List<String> first = new ArrayList<>();
    private final Deque<String> last = new ArrayDeque<>();
    private long left;

    Evidence() {}

    /**
     * Notes something that was seen.
     *
     * @param line what it is
     */
    public synchronized void note(String line) {
        if (first.size() < FIRST_LINES) {
            first.add(line);
            return;
        }
        last.addLast(line);
        if (last.size() > LAST_LINES) {
            last.removeFirst();
            left++;
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
     * Ends the run because a rule is broken that may be another than the contract's.
     *
     * @param rule the number of the rule
     * @param what says what was seen, with the values
     * @return never; for the compiler's sake
     */
    public RuntimeException broken(String rule, String what) {
        throw new Broken(rule, what);
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
        List<String> lines = new ArrayList<>(first);
        if (left > 0) {
            lines.add("... " + left + " more ...");
        }
        lines.addAll(last);
        return lines;
    }

    static String trace(Throwable thrown) {
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    /** The contract is broken. */
    static final class Broken extends RuntimeException {
        @Serial private static final long serialVersionUID = 1;

        private final @Nullable String rule;

        Broken(String message) {
            super(message);
            this.rule = null;
        }

        Broken(String rule, String message) {
            super(message);
            this.rule = rule;
        }

        /** {@return the rule that is broken, or null if it is the contract's} */
        @Nullable String rule() {
            return rule;
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
