package org.iommu4j.pagetable;

import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/*
 * A gather's freelist holds two kinds of pages: tables that went as they were, and tables that were emptied entry by entry
 * and are zero. Which of them a page is stands in the low bits of its address, on the way through the gather only, so that
 * the allocator need not zero the second kind again.
 */

/** Takes the tables back that hardware cannot reach any more. Any thread may use it. */
final class FreedTables {

    private static final long KNOWN_ZERO = 1;

    private final Tables tables;
    private final TableAllocator allocator;
    private final Lending<Kinds> kept = new Lending<>();

    FreedTables(Tables tables, TableAllocator allocator) {
        this.tables = tables;
        this.allocator = allocator;
    }

    /** What a gather holds of a table that was emptied entry by entry. */
    static long emptied(Tables tables, long table) {
        return tables.fillPages() ? table | KNOWN_ZERO : table;
    }

    /** Gives the pages back; the list is empty then. */
    void release(PageList pages) {
        for (int i = 0; tables.isWitnessed() && i < pages.size(); i++) {
            tables.witness.tableReturned(tables.root, pages.get(i) & ~KNOWN_ZERO);
        }
        if (!holdsZeroed(pages)) {
            allocator.giveBack(pages);
        } else if (pages.size() == 1) {
            long page = pages.removeLast() & ~KNOWN_ZERO;
            pages.add(page);
            allocator.giveBackZeroed(pages);
        } else {
            giveBackByKind(pages);
        }
        if (tables.isClosed() && tables.counts.pages() == 0) {
            tables.guards.retire();
        }
    }

    private static boolean holdsZeroed(PageList pages) {
        long marks = 0;
        for (int i = 0; i < pages.size(); i++) {
            marks |= pages.get(i);
        }
        return (marks & KNOWN_ZERO) != 0;
    }

    private void giveBackByKind(PageList pages) {
        Kinds last = kept.take();
        Kinds kinds = last == null ? new Kinds(new PageList(), new PageList()) : last;
        kinds.ensureRoom(pages.size());
        while (!pages.isEmpty()) {
            kinds.add(pages.removeLast());
        }
        allocator.giveBackZeroed(kinds.zeroed);
        if (!kinds.others.isEmpty()) {
            allocator.giveBack(kinds.others);
        }
        kept.giveBack(kinds);
    }

    /** Freed pages by kind. */
    private record Kinds(PageList zeroed, PageList others) {

        void ensureRoom(int pages) {
            zeroed.ensureRoom(pages);
            others.ensureRoom(pages);
        }

        void add(long marked) {
            long page = marked & ~KNOWN_ZERO;
            (page == marked ? others : zeroed).add(page);
        }
    }
}
