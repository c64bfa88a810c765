package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.PAGE;

/**
 * What a driver's DMA mappings look like: pages at random in a window, each unmapped when 256 later
 * ones are mapped; the sequence that the peers were measured with, to the page.
 */
final class Traffic {

    /** How many pages are mapped at a time. */
    static final int OUTSTANDING = 256;

    private final BusyDomain domain;
    private final long iova;
    private final long lastPage;
    private final long seed;
    private final long[] busy;
    private final int[] ring = new int[OUTSTANDING];
    private SplitMix random;
    private int mapped;

    /**
     * @param iova where the window begins
     * @param bytes its size; a power of two
     * @param seed of the sequence
     */
    Traffic(BusyDomain domain, long iova, long bytes, long seed) {
        this.domain = domain;
        this.iova = iova;
        this.lastPage = bytes / PAGE - 1;
        this.seed = seed;
        this.busy = new long[(int) (bytes / PAGE / Long.SIZE)];
        this.random = new SplitMix(seed);
    }

    /** Maps that many pages, unmapping before each the oldest if there are enough. */
    void run(int iterations) {
        for (int i = 0; i < iterations; i++) {
            int slot = mapped & OUTSTANDING - 1;
            if (mapped >= OUTSTANDING) {
                unmap(ring[slot]);
            }
            int page = draw();
            ring[slot] = page;
            mapped++;
            domain.map(iova + page * PAGE, PAGE);
        }
    }

    /** Unmaps everything, and begins the sequence again. */
    void reset() {
        for (int i = Math.max(0, mapped - OUTSTANDING); i < mapped; i++) {
            unmap(ring[i & OUTSTANDING - 1]);
        }
        mapped = 0;
        random = new SplitMix(seed);
    }

    private void unmap(int page) {
        domain.unmap(iova + page * PAGE, PAGE);
        busy[page >> 6] &= ~(1L << page);
    }

    private int draw() {
        while (true) {
            int page = (int) (random.next() & lastPage);
            long bit = 1L << page;
            if ((busy[page >> 6] & bit) == 0) {
                busy[page >> 6] |= bit;
                return page;
            }
        }
    }
}
