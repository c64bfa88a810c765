package org.iommu4j.benchmarks;

import java.time.Duration;

/**
 * How much time a run takes for each row.
 *
 * @param rounds how often all rows are gone through, each in a JVM of its own
 * @param warmups iterations that are not measured
 * @param measurements iterations that are
 * @param iteration how long each lasts
 * @param forked false: in this JVM, for tests
 */
record Effort(int rounds, int warmups, int measurements, Duration iteration, boolean forked) {

    /** For figures to be written down. */
    static final Effort FULL = new Effort(3, 5, 10, Duration.ofMillis(200), true);

    /** For a look, in three minutes. */
    static final Effort SHORT = new Effort(1, 4, 6, Duration.ofMillis(120), true);
}
