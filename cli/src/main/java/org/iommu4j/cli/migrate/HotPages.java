package org.iommu4j.cli.migrate;

import java.util.SplittableRandom;

/**
 * Which pages a device writes: as real ones do, the same few again and again, scattered over all of
 * the memory, and now and then any other. For one thread.
 */
final class HotPages {
    private static final int ONE_IS_HOT_OF = 32;
    private static final int ONE_GOES_ELSEWHERE_OF = 64;

    private final SplittableRandom random;
    private final int pages;
    private final int[] hot;

    /**
     * Chooses the hot ones.
     *
     * @param pages how many pages there are
     * @param random chooses
     */
    HotPages(int pages, SplittableRandom random) {
        this.random = random;
        this.pages = pages;
        hot = random.ints(pages / ONE_IS_HOT_OF, 0, pages).toArray();
    }

    /** The page that is written next. */
    int next() {
        return random.nextInt(ONE_GOES_ELSEWHERE_OF) == 0
                ? random.nextInt(pages)
                : hot[random.nextInt(hot.length)];
    }
}
