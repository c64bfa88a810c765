package org.iommu4j.pagetable;

/**
 * Where tables were found lately, so that a call need not walk down to one again.
 *
 * <p>Only hints: threads read and write them without order, and whoever follows one must lock the
 * page as the table of its range, which proves that it still is, or fails.
 */
final class RecentTables {

    /** No hint. The page is there, and may be a table, but no hint leads to it. */
    static final long NONE = 0;

    private final long[] pages;

    /**
     * @param size for how many tables there is room; a power of two
     */
    RecentTables(int size) {
        this.pages = new long[size];
    }

    /**
     * The hints, by the low bits of their identities; for calls to which one reference more is
     * something.
     */
    long[] pages() {
        return pages;
    }

    /** A page that may be the table of an identity, or {@link #NONE}. */
    long find(long identity) {
        return pages[(int) identity & pages.length - 1];
    }

    /** A page was the table of an identity just now. */
    void note(long identity, long page) {
        pages[(int) identity & pages.length - 1] = page;
    }
}
