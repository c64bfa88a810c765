package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Mapping and unmapping pages of 4 KiB inside one table that is there: the short way of most calls.
 * Any thread may use it.
 */
final class SinglePages {

    private final Tables tables;
    private final Guards guards;
    private final long[] recent;
    private final EmptyTables emptyTables;

    SinglePages(Tables tables, EmptyTables emptyTables) {
        this.tables = tables;
        this.guards = tables.guards;
        this.recent = tables.recent.pages();
        this.emptyTables = emptyTables;
    }

    /**
     * Maps pages if the table still is the one of their range, they are free, and no change of
     * structure is pending.
     *
     * @return false: nothing was done
     */
    boolean map(long iova, long size, long output, long bits) {
        long identity = guards.identity(iova);
        long table = recent[(int) identity & recent.length - 1];
        long guard = guards.lock(table, identity);
        if (guard == Guards.GONE) {
            table = tables.search(iova, 0, identity);
            guard = guards.lock(table, identity);
            if (guard == Guards.GONE) {
                return false;
            }
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        long slot = tables.slot(table, iova);
        if (tables.isClosed()
                || tables.pending.mayTouch(iova, iova + size)
                || tables.present(slot, count) != 0) {
            guards.unlock(table, guard);
            return false;
        }
        long entry = tables.addressBits(output) | bits;
        if (count == 1) {
            tables.memory.storeRelease(slot, entry);
        } else {
            tables.memory.fill(slot, entry, tables.step(0), count);
        }
        if (tables.isHeard()) {
            tables.stored(slot, count);
            tables.settle();
            tables.mapped(iova, iova + size - 1);
        }
        guards.unlock(table, Guards.counting(guard, count));
        return true;
    }

    /**
     * Unmaps pages if the table still is the one of their range, and nobody tracks writes.
     *
     * @return how many bytes were mapped, or -1: nothing was done
     */
    long unmap(long iova, long size, IotlbGather gather) {
        long identity = guards.identity(iova);
        long table = recent[(int) identity & recent.length - 1];
        long guard = guards.lock(table, identity);
        if (guard == Guards.GONE) {
            table = tables.search(iova, 0, identity);
            guard = guards.lock(table, identity);
            if (guard == Guards.GONE) {
                return -1;
            }
        }
        if (!tables.isPlain()) {
            guards.unlock(table, guard);
            return -1;
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        int removed = clear(tables, tables.slot(table, iova), iova, count);
        if (removed == 0) {
            guards.unlock(table, guard);
            tables.pending.widen(gather, iova, iova + size, PhysicalMemory.PAGE_SIZE);
            return 0;
        }
        tables.settle();
        guards.unlock(table, Guards.counting(guard, -removed));
        gather.addRange(iova, size, PhysicalMemory.PAGE_SIZE);
        tables.pending.widen(gather, iova, iova + size, PhysicalMemory.PAGE_SIZE);
        if (removed == Guards.count(guard) && tables.rootLevel > 0) {
            emptyTables.add(EmptyTables.name(tables, iova, 0), gather);
        }
        return (long) removed << PhysicalMemory.PAGE_SHIFT;
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
