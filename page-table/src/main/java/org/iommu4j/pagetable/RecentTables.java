package org.iommu4j.pagetable;

/**
 * Where the tables of level 0 were found lately, so that a call need not walk down to one again.
 *
 * <p>Only hints: threads read and write them without order, and whoever follows one must lock the
 * page as the table of its range, which proves that it still is, or fails.
 */
final class RecentTables {

    private static final int SIZE = 1 << 10;

    private final long[] pages = new long[SIZE];

    /** A page that may be the table of an identity, or 0. */
    long find(long identity) {
        return pages[(int) identity & SIZE - 1];
    }

    /** A page was the table of an identity just now. */
    void note(long identity, long page) {
        pages[(int) identity & SIZE - 1] = page;
    }
}
