package org.iommu4j.stress;

import java.util.Collection;
import java.util.function.BiConsumer;
import org.openjdk.jcstress.infra.collectors.TestResult;

/** A way to run tests. */
@FunctionalInterface
interface Runs {

    /* Few, so that both threads are at one trial at the same moment; not one, as a meeting takes longer than a trial. */
    int TRIALS_BETWEEN_MEETINGS = 8;

    /** After this many meetings all trials are looked at. */
    int MEETINGS = 16;

    /** The most memory that trials may take, as jcstress counts it. */
    int HEAP_MEGABYTES = 256;

    /**
     * Runs tests.
     *
     * @param tests their names
     * @param came hears the name of a test and what came out, once or several times for each
     * @throws IllegalStateException if they cannot be run here
     */
    void of(Collection<String> tests, BiConsumer<String, TestResult> came);
}
