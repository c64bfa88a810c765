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
    private final EmptyTables emptyTables;
    private long[] recent; // as RecentTables has it, or had it lately

    SinglePages(Tables tables, EmptyTables emptyTables) {
        this.tables = tables;
        this.guards = tables.guards;
        this.emptyTables = emptyTables;
        this.recent = tables.recent.pages();
    }

    /**
     * Maps pages if the table still is the one of their range, they are free, and no change of
     * structure is pending.
     *
     * @return false: nothing was done
     */
    boolean map(long iova, long size, long output, long bits) {
        long identity = guards.identity(iova);
        long[] hints = recent; // once: another thread may have more of them
        long table = hints[(int) identity & hints.length - 1];
        long guard = guards.lock(table, identity);
        if (guard < 0) {
            if (guard == Guards.GONE) {
                table = search(iova, identity);
                guard = guards.lock(table, identity);
            }
            guard = settled(guard, iova);
            if (guard == Guards.GONE) {
                return false;
            }
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        long slot = tables.slot(table, iova);
        if (guard < 0 || tables.isClosed() || tables.present(slot, count) != 0) {
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
        long[] hints = recent;
        long table = hints[(int) identity & hints.length - 1];
        long guard = guards.lock(table, identity);
        if (guard < 0) {
            if (guard == Guards.GONE) {
                table = search(iova, identity);
                guard = guards.lock(table, identity);
            }
            guard = settled(guard, iova);
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
            widen(guard, iova, size, gather);
            return 0;
        }
        tables.settle();
        guards.unlock(table, Guards.counting(guard, -removed));
        gather.addRange(iova, size, PhysicalMemory.PAGE_SIZE);
        widen(guard, iova, size, gather);
        if (removed == Guards.count(guard) && tables.rootLevel > 0) {
            emptyTables.add(EmptyTables.name(tables, iova, 0), gather);
        }
        return (long) removed << PhysicalMemory.PAGE_SHIFT;
    }

    private long search(long iova, long identity) {
        long table = tables.search(iova, 0, identity);
        long[] now = tables.recent.pages();
        if (recent.length < now.length) {
            recent = now;
        }
        return table;
    }

    /** The word of a table that is not gone, negative only if the way to it is still pending. */
    private long settled(long guard, long iova) {
        long start = iova & -tables.span(1);
        return guard == Guards.GONE || tables.stripes.mayTouch(start, start + tables.span(1))
                ? guard
                : Guards.settled(guard);
    }

    private void widen(long guard, long iova, long size, IotlbGather gather) {
        if (guard < 0) {
            tables.stripes.widen(gather, iova, iova + size, PhysicalMemory.PAGE_SIZE);
        }
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
