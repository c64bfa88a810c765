package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/**
 * Mapping and unmapping pages of 4 KiB inside one table that is there: the short way of most calls.
 */
final class SinglePages {

    private SinglePages() {}

    /**
     * Maps pages if the table still is the one of their range, they are free, and no change of
     * structure is pending.
     *
     * @return false: nothing was done
     */
    static boolean map(Tables tables, long place, long iova, long size, long output, long bits) {
        long table = Tables.tableOf(place);
        long identity = tables.guards.identity(iova, 0);
        int present = tables.guards.lock(table, identity);
        if (present < 0) {
            return false;
        }
        int count = (int) (size >>> tables.shift(0));
        long slot = tables.slot(table, iova, 0);
        if (tables.isClosed()
                || tables.pending.mayTouch(iova, iova + size)
                || present(tables, slot, count) != 0) {
            tables.guards.unlock(table, identity, present);
            return false;
        }
        long entry = output >>> tables.format.addressShift() | bits;
        if (count == 1) {
            tables.store(slot, entry);
        } else {
            tables.fill(slot, entry, tables.step(0), count);
        }
        tables.settle();
        tables.mapped(iova, iova + size - 1);
        tables.guards.unlock(table, identity, present + count);
        return true;
    }

    /**
     * Unmaps pages if the table still is the one of their range.
     *
     * @return how many were mapped, or -1: nothing was done
     */
    static int unmap(
            Tables tables,
            EmptyTables emptyTables,
            long place,
            long iova,
            long size,
            IotlbGather gather) {
        long table = Tables.tableOf(place);
        long identity = tables.guards.identity(iova, 0);
        int before = tables.guards.lock(table, identity);
        if (before < 0) {
            return -1;
        }
        if (tables.isClosed()) {
            tables.guards.unlock(table, identity, before);
            return -1;
        }
        int count = (int) (size >>> tables.shift(0));
        int removed = clear(tables, tables.slot(table, iova, 0), iova, count);
        tables.settle();
        tables.guards.unlock(table, identity, before - removed);
        if (removed > 0) {
            gather.addRange(iova, size, tables.span(0));
        }
        tables.pending.widen(gather, iova, iova + size, tables.span(0));
        if (removed == before && removed > 0 && tables.rootLevel > 0) {
            emptyTables.add(identity, gather);
        }
        return removed;
    }

    /** Clears neighbouring entries of a locked table of level 0; returns how many were present. */
    static int clear(Tables tables, long slot, long iova, int count) {
        int removed = present(tables, slot, count);
        if (removed == 0) {
            return 0;
        }
        if (tables.isWitnessed()) {
            new RemovedPages(tables, slot, iova, count).cleared(() -> zero(tables, slot, count));
        } else {
            zero(tables, slot, count);
        }
        return removed;
    }

    private static void zero(Tables tables, long slot, int count) {
        if (count == 1) {
            tables.store(slot, 0);
        } else {
            tables.fill(slot, 0, 0, count);
        }
    }

    private static int present(Tables tables, long slot, int count) {
        int present = 0;
        for (int i = 0; i < count; i++) {
            present +=
                    tables.isPresent(tables.memory.loadPlain(slot + (long) i * Long.BYTES)) ? 1 : 0;
        }
        return present;
    }
}
