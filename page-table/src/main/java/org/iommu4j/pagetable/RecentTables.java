package org.iommu4j.pagetable;

import java.util.Arrays;

/**
 * Where tables were found lately, so that a call need not walk down to one again.
 *
 * <p>Only hints: threads read and write them without order, and whoever follows one must lock the
 * page as the table of its range, which proves that it still is, or fails. Neighbouring tables have
 * neighbouring hints, so threads that work far apart write nothing in common, once there are hints
 * enough: where tables of one tree get in each other's way again and again, there come to be more.
 */
final class RecentTables {

    /** No hint. The page is there, and may be a table, but no hint leads to it. */
    static final long NONE = 0;

    private final Guards guards;
    private final int most;
    private long[] pages;
    private int conflicts;

    /**
     * @param size for how many tables there is room at first; a power of two
     * @param most for how many there may come to be; a power of two
     */
    RecentTables(Guards guards, int size, int most) {
        this.guards = guards;
        this.most = most;
        this.pages = new long[size];
    }

    /**
     * The hints, by the low bits of their identities; for calls to which one reference more is
     * something. Another array once there are more.
     */
    long[] pages() {
        return pages;
    }

    /** A page that may be the table of an identity, or {@link #NONE}. */
    long find(long identity) {
        long[] hints = pages;
        return hints[(int) identity & hints.length - 1];
    }

    /** A page was made the table of an identity just now. */
    void note(long identity, long page) {
        long[] hints = pages;
        hints[(int) identity & hints.length - 1] = page;
    }

    /** A page was found to be the table of an identity, which no hint said. */
    void noteFound(long identity, long page) {
        long[] hints = pages;
        long other = find(identity);
        note(identity, page);
        if (other != NONE
                && hints.length < most
                && guards.isOther(other, identity, hints.length - 1)) {
            conflict(hints);
        }
    }

    /** What stands there is still a table, so both will be looked for. */
    private void conflict(long[] hints) {
        if (++conflicts >= hints.length) {
            conflicts = 0;
            long[] more = Arrays.copyOf(hints, 2 * hints.length);
            System.arraycopy(hints, 0, more, hints.length, hints.length);
            pages = more;
        }
    }
}
