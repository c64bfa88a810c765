package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicLongArray;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/*
 * Each emptied table has one slot, by its address. It stays linked while it stands there; one that comes later to the same
 * slot takes its place, and the table that stood there goes, if it is still empty. So at most as many empty tables are
 * linked as there are slots, and a table that is emptied and filled again and again costs one exchange a time.
 *
 * Where there are many slots, threads share them out in a few groups: a thread whose tables are its own does not meet those
 * of another one, and take their guards, whenever it empties one.
 */

/**
 * The tables that unmaps left empty: which of them stay for reuse, and how the others go. Any
 * thread may use it.
 */
final class EmptyTables {

    private static final int MOST_GROUPS = 4;
    private static final int WORTH_A_GROUP = 16;
    /* Words between groups, so that no two lie in one cache line or in a pair of lines. */
    private static final int APART = 16;

    private final Tables tables;
    private final AtomicLongArray slots;
    private final int inGroup;
    private final int groupMask;
    private final int groupStride;
    private final int levelStride;

    EmptyTables(Tables tables, int most) {
        this.tables = tables;
        int groups = Math.clamp(Integer.highestOneBit(most / WORTH_A_GROUP), 1, MOST_GROUPS);
        this.inGroup = most / groups;
        this.groupMask = groups - 1;
        this.groupStride = inGroup + APART;
        this.slots = new AtomicLongArray(groups * groupStride);
        this.levelStride = Math.max(1, inGroup / tables.format.levels());
    }

    /**
     * Names the table of a level that holds an address: by the first address of its range, and in
     * the low bits one more than its level.
     */
    static long name(Tables tables, long iova, int level) {
        return iova & -tables.span(level + 1) | level + 1;
    }

    /** A table came to be empty. The caller holds no guard. */
    void add(long name, IotlbGather gather) {
        long leaving = name;
        while (leaving != 0) {
            long evicted = inGroup == 0 ? leaving : slots.getAndSet(slotOf(leaving), leaving);
            if (evicted == 0 || (evicted == leaving && inGroup > 0)) {
                return;
            }
            leaving = reclaim(evicted, gather);
        }
    }

    /**
     * Unlinks a table if it is there and empty.
     *
     * @return the name of its parent, if that came to be empty by it, else 0
     */
    private long reclaim(long name, IotlbGather gather) {
        int level = levelOf(name);
        int above = level + 1;
        long iova = name & -PhysicalMemory.PAGE_SIZE;
        long identity = tables.guards.identity(iova, above);
        long parent = tables.probable(iova, above, identity);
        long guard = tables.guards.lock(parent, identity);
        if (guard == Guards.GONE) {
            return 0;
        }
        long slot = tables.slot(parent, iova, above);
        long entry = tables.memory.loadPlain(slot);
        if (tables.isClosed()
                || !tables.isTable(entry, above)
                || !unlinkEmpty(slot, tables.target(entry), iova, level, gather)) {
            tables.guards.unlock(parent, guard);
            return 0;
        }
        tables.guards.unlock(parent, Guards.counting(guard, -1));
        return Guards.count(guard) == 1 && above < tables.rootLevel ? name(tables, iova, above) : 0;
    }

    /** Unlinks a table if it is empty; the caller has locked its parent. */
    private boolean unlinkEmpty(long slot, long table, long iova, int level, IotlbGather gather) {
        long guard = tables.lockChild(table, iova, level);
        if (Guards.count(guard) != 0) {
            tables.guards.unlock(table, guard);
            return false;
        }
        unlink(slot, table, iova, level, gather);
        return true;
    }

    /** Unlinks an empty table; the caller has locked it and its parent. */
    void unlink(long slot, long table, long iova, int level, IotlbGather gather) {
        long span = tables.span(level + 1);
        tables.store(slot, 0);
        tables.settle();
        tables.stripes.change(iova, iova + span, gather);
        tables.guards.kill(table);
        tables.unlinked(table);
        gather.addTable(FreedTables.emptied(tables, table));
        gather.addRange(iova, span, tables.span(0));
        gather.markStructureChanged();
    }

    private static int levelOf(long name) {
        return (int) (name & PhysicalMemory.PAGE_SIZE - 1) - 1;
    }

    /**
     * Where a table stands that this thread has emptied; of some that are far apart, any two share
     * a slot.
     */
    private int slotOf(long name) {
        int level = levelOf(name);
        int number = (int) (name >>> tables.shift(level + 1)) + level * levelStride;
        int group = (int) Thread.currentThread().threadId() & groupMask;
        return group * groupStride + (number & Integer.MAX_VALUE) % inGroup;
    }
}
