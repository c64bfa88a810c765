package org.iommu4j.pagetable;

/**
 * Takes leaves away while writes are tracked: by exchanges, so that whatever hardware has written
 * by then is known, and it can write no more than it already could without a word. The caller holds
 * the guard of the leaf's table.
 */
final class RemovedLeaves {

    private RemovedLeaves() {}

    /** Clears the entry of a leaf, and notes if it was dirty. */
    static void clear(Tables tables, long slot, int level, long iova) {
        long expected = tables.memory.loadPlain(slot);
        long found = tables.memory.compareAndExchange(slot, expected, 0);
        while (found != expected) {
            expected = found;
            found = tables.memory.compareAndExchange(slot, expected, 0);
        }
        if (tables.writesBack) {
            tables.cache.written(slot, Long.BYTES);
        }
        note(tables, expected, level, iova, iova + tables.span(level) - 1);
    }

    /** Clears neighbouring entries of a table of level 0; returns how many were present. */
    static int clear(Tables tables, long slot, long iova, int count) {
        int removed = 0;
        for (int i = 0; i < count; i++) {
            long at = slot + (long) i * Long.BYTES;
            if (tables.isPresent(tables.memory.loadPlain(at))) {
                long page = iova + i * tables.span(0);
                tables.unmapping(page, page + tables.span(0) - 1);
                clear(tables, at, 0, page);
                tables.unmapped(page, page + tables.span(0) - 1);
                removed++;
            }
        }
        return removed;
    }

    /** [first, last] was taken out of a leaf of a level, as the leaf was last. */
    static void note(Tables tables, long leaf, int level, long first, long last) {
        if ((leaf & tables.format.dirtyMask()) != 0) {
            tables.unreported.add(first, last, tables.shift(level));
        }
    }
}
