package org.iommu4j.pagetable;

import org.iommu4j.machine.PageList;

/*
 * A gather's freelist holds two kinds of pages: tables that went as they were, and tables that were emptied entry by entry
 * and are zero. Which of them a page is stands in the low bits of its address, on the way through the gather only, so that
 * the allocator need not zero the second kind again.
 */

/** Takes the tables back that hardware cannot reach any more. Any thread may use it. */
final class FreedTables {

    private static final long KNOWN_ZERO = 1;

    private final Tables tables;
    private final TableCounts counts;

    FreedTables(Tables tables, TableCounts counts) {
        this.tables = tables;
        this.counts = counts;
    }

    /** What a gather holds of a table that was emptied entry by entry. */
    static long emptied(Tables tables, long table) {
        return tables.fillPages() ? table | KNOWN_ZERO : table;
    }

    /** Gives the pages back, by way of a reserve that is empty before and after. */
    void release(PageList pages, Reserve reserve) {
        counts.released(pages.size());
        boolean last = tables.isClosed() && counts.pages() == 0;
        while (!pages.isEmpty()) {
            giveBack(pages.removeLast(), reserve);
        }
        reserve.giveBack();
        if (last) {
            tables.guards.retire();
        }
    }

    private void giveBack(long marked, Reserve reserve) {
        long page = marked & ~KNOWN_ZERO;
        if (tables.isWitnessed()) {
            tables.witness.tableReturned(tables.root, page);
        }
        if (page == marked) {
            reserve.putBack(page);
        } else {
            reserve.putBackZeroed(page);
        }
    }
}
