package org.iommu4j.inspector;

import java.util.Arrays;

/**
 * Which table pages were seen, and in which address space last. Its room is bounded: an image in
 * which everything looks like a table must not take all memory, nor all time.
 */
final class TableLedger {
    /** The answer of {@link #visit} for a page that was not seen before. */
    static final int NEW = -1;

    /** Tables of 4 KiB leaves over 8 TiB. */
    static final int MAX_TABLES = 1 << 22;

    /** How often a table may be reached from a space that did not see it before. */
    static final int MAX_RETURNS = 1 << 17;

    private static final long EMPTY = -1L;

    private long[] pages = new long[1 << 10];
    private int[] spaces = new int[1 << 10];
    private int count;
    private int visits;

    TableLedger() {
        Arrays.fill(pages, EMPTY);
    }

    /** Whether no more tables will be looked into. */
    boolean exhausted() {
        return count >= MAX_TABLES || visits - count >= MAX_RETURNS;
    }

    /**
     * Notes that a space reached a page.
     *
     * @return the space that reached it last, or {@link #NEW}
     */
    int visit(long page, int space) {
        visits++;
        int at = slot(page);
        if (pages[at] == page) {
            int before = spaces[at];
            spaces[at] = space;
            return before;
        }
        pages[at] = page;
        spaces[at] = space;
        if (++count > pages.length / 2) {
            grow();
        }
        return NEW;
    }

    /** Whether a page was seen. */
    boolean contains(long page) {
        return pages[slot(page)] == page;
    }

    /** Every page seen, ascending. */
    long[] sorted() {
        long[] all = Arrays.stream(pages).filter(page -> page != EMPTY).toArray();
        Arrays.sort(all);
        return all;
    }

    private int slot(long page) {
        int mask = pages.length - 1;
        int at = (int) ((page >>> 12) * 0x9e3779b97f4a7c15L >>> 33) & mask;
        while (pages[at] != EMPTY && pages[at] != page) {
            at = at + 1 & mask;
        }
        return at;
    }

    private void grow() {
        long[] oldPages = pages;
        int[] oldSpaces = spaces;
        pages = new long[oldPages.length * 2];
        spaces = new int[oldPages.length * 2];
        Arrays.fill(pages, EMPTY);
        for (int i = 0; i < oldPages.length; i++) {
            if (oldPages[i] != EMPTY) {
                int at = slot(oldPages[i]);
                pages[at] = oldPages[i];
                spaces[at] = oldSpaces[i];
            }
        }
    }
}
