package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Mapping and unmapping pages of 4 KiB inside one table that is there: the short way of most calls.
 */
final class SinglePages {

    private static final long NONE = -1;

    private SinglePages() {}

    /**
     * Maps pages if the table still is the one of their range, they are free, and no change of
     * structure is pending.
     *
     * @return false: nothing was done
     */
    static boolean map(Tables tables, long iova, long size, long output, long bits) {
        long identity = tables.guards.identity(iova);
        long table = tables.recent.find(identity);
        int present = table == 0 ? Guards.GONE : tables.guards.lock(table, identity);
        if (present == Guards.GONE) {
            table = find(tables, iova, identity);
            present = table == NONE ? Guards.GONE : tables.guards.lock(table, identity);
            if (present == Guards.GONE) {
                return false;
            }
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        long slot = tables.slot(table, iova, 0);
        if (tables.isClosed()
                || tables.pending.mayTouch(iova, iova + size)
                || tables.present(slot, count) != 0) {
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
     * Unmaps pages if the table still is the one of their range, and nobody tracks writes.
     *
     * @return how many were mapped, or -1: nothing was done
     */
    static int unmap(
            Tables tables, EmptyTables emptyTables, long iova, long size, IotlbGather gather) {
        long identity = tables.guards.identity(iova);
        long table = tables.recent.find(identity);
        int before = table == 0 ? Guards.GONE : tables.guards.lock(table, identity);
        if (before == Guards.GONE) {
            table = find(tables, iova, identity);
            before = table == NONE ? Guards.GONE : tables.guards.lock(table, identity);
            if (before == Guards.GONE) {
                return -1;
            }
        }
        if (!tables.isPlain()) {
            tables.guards.unlock(table, identity, before);
            return -1;
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        int removed = clear(tables, tables.slot(table, iova, 0), iova, count);
        tables.settle();
        tables.guards.unlock(table, identity, before - removed);
        if (removed > 0) {
            gather.addRange(iova, size, PhysicalMemory.PAGE_SIZE);
        }
        tables.pending.widen(gather, iova, iova + size, PhysicalMemory.PAGE_SIZE);
        if (removed == before && removed > 0 && tables.rootLevel > 0) {
            emptyTables.add(identity, gather);
        }
        return removed;
    }

    /** Walks down to the table of level 0, and notes it for the next call. */
    private static long find(Tables tables, long iova, long identity) {
        long place = tables.descend(iova, 0);
        if (Tables.levelOf(place) != 0) {
            return NONE;
        }
        tables.recent.note(identity, place);
        return place;
    }

    /** Clears neighbouring entries of a locked table of level 0; returns how many were present. */
    static int clear(Tables tables, long slot, long iova, int count) {
        int removed = tables.present(slot, count);
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
}
