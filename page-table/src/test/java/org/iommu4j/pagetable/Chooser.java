package org.iommu4j.pagetable;

/** Decides which thread of an {@link Interleaver} makes the next step. */
interface Chooser {

    /**
     * Chooses.
     *
     * @param running the thread that ran until now, or {@link Interleaver#NOBODY}
     * @param runnable a bit for each thread that can go on; never 0
     * @return one of them
     */
    int choose(int running, int runnable);
}
