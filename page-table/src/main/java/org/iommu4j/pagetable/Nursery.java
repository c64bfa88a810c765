package org.iommu4j.pagetable;

import java.util.Arrays;
import org.iommu4j.machine.PhysicalMemory;

/*
 * A table under construction has no guard word, so nobody can act on it. Tables are noted here when they are complete,
 * children before parents, and come alive in that order after the entry that links the topmost one was stored and, for a
 * walker that does not snoop, written back: whoever can lock a table can rely on every entry on its way.
 */

/** The tables that an operation builds and has not linked yet. Used by one thread. */
final class Nursery {

    private final Tables tables;
    private final Reserve reserve;
    private final TableCounts.Share counts;
    private long[] pages = new long[8];
    private long[] words = new long[8];
    private int size;

    Nursery(Tables tables, Reserve reserve, TableCounts.Share counts) {
        this.tables = tables;
        this.reserve = reserve;
        this.counts = counts;
    }

    /** A page for a table that will be written wholly. */
    long page() {
        return reserve.takeAny();
    }

    /** A page, all zero. */
    long zeroedPage() {
        return reserve.takeZeroed();
    }

    /** A table is complete, and so are the tables below it. */
    void complete(long page, long iova, int level, int present) {
        if (size == pages.length) {
            pages = Arrays.copyOf(pages, 2 * size);
            words = Arrays.copyOf(words, 2 * size);
        }
        pages[size] = page;
        long word = Guards.word(tables.guards.identity(iova, level), present);
        words[size++] = level == 0 ? Guards.pending(word) : word;
        if (tables.writesBack) {
            tables.cache.written(page, tables.tableBytes);
        }
    }

    /**
     * Replaces an entry that hardware does not change by the topmost table, which maps [first,
     * last]. The caller holds the guard of its table.
     *
     * @param pending true if a change of structure may be pending there
     */
    void link(long slot, long first, long last, boolean pending) {
        settle();
        tables.store(slot, entry());
        tables.settle();
        tables.mapped(first, last);
        comeAlive(pending);
    }

    /**
     * Exchanges a leaf for the topmost table. The caller holds the guard of its table, and calls
     * {@link #comeAlive} when it has noted the change.
     *
     * @return what was there: {@code leaf} if it was exchanged, else nothing has changed
     */
    long exchange(long slot, long leaf) {
        settle();
        long found = tables.memory.compareAndExchange(slot, leaf, entry());
        if (found == leaf && tables.writesBack) {
            tables.cache.written(slot, Long.BYTES);
            tables.settle();
        }
        return found;
    }

    /**
     * Makes everything that was built tables, after the topmost was linked.
     *
     * @param pending true if a change of structure may be pending where they stand
     */
    void comeAlive(boolean pending) {
        PhysicalMemory memory = tables.memory;
        counts.linked(size); // before anybody can take them away again
        for (int i = 0; i < size; i++) {
            memory.announceLedger(pages[i]);
            long word = pending ? words[i] : Guards.settled(words[i]);
            memory.ledger().storeRelease(pages[i], word);
        }
        size = 0;
    }

    /** Takes everything apart again; nothing of it was ever reachable. */
    void abandon() {
        for (int i = 0; i < size; i++) {
            tables.unlinked(pages[i]);
            reserve.putBack(pages[i], false);
        }
        size = 0;
    }

    /** Makes the new tables visible to hardware: from here on they may be linked. */
    private void settle() {
        tables.settle();
        for (int i = 0; tables.isWitnessed() && i < size; i++) {
            tables.witness.tableLinked(tables.root, pages[i]);
        }
    }

    private long entry() {
        return tables.format.tableEntry(pages[size - 1]);
    }
}
