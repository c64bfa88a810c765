package org.iommu4j.machine;

import java.util.List;

/**
 * Reports software that lets the hardware see what it must not: a stale translation, a freed table,
 * a line never written back, a live entry changed in a forbidden way.
 *
 * <p>Any thread may call any method.
 */
public interface Sanitizer {

    /**
     * Something that must not happen, and did.
     *
     * @param rule the number of the rule that is broken, such as {@code "G2"}
     * @param summary what happened, in one sentence with the addresses
     * @param history what led to it, one event a line, oldest first
     */
    record Finding(String rule, String summary, List<String> history) {

        /** Copies the history. */
        public Finding {
            history = List.copyOf(history);
        }

        @Override
        public String toString() {
            return history.isEmpty()
                    ? rule + ": " + summary
                    : rule + ": " + summary + "\n    " + String.join("\n    ", history);
        }
    }

    /** {@return how often something was found; more than are kept, it may be} */
    long count();

    /** {@return what was found, oldest first; the first hundred at least} */
    List<Finding> findings();
}
