package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/*
 * Under the guard of the one table in which an entry changes, as on the long way; but there is nothing to plan, since what
 * is looked at is one entry and what is built is one table.
 */

/**
 * Putting one table where an entry is empty or a leaf, when the entry's own table is there: the
 * short way of calls that need no more.
 */
final class SingleTable {

    private static final int LEVEL = 1;

    private SingleTable() {}

    /**
     * Maps pages of 4 KiB where their table is missing, if nothing else is there and no change of
     * structure is pending.
     *
     * @return false: nothing was done
     */
    static boolean map(
            Tables tables, Workspace space, long iova, long size, long output, long bits) {
        if (tables.isClosed() || tables.rootLevel < LEVEL) {
            return false;
        }
        long identity = tables.guards.identity(iova, LEVEL);
        Stripe stripe = tables.stripes.at(iova);
        long parent = tables.probable(iova, LEVEL, identity);
        long slot = tables.slot(parent, iova, LEVEL);
        if (parent == RecentTables.NONE || tables.isPresent(tables.memory.loadPlain(slot))) {
            return false;
        }
        boolean whole = size == tables.span(LEVEL);
        long table = whole ? space.reserve.one() : space.reserve.oneZeroed();
        long guard = tables.guards.lock(parent, identity);
        if (guard == Guards.GONE
                || tables.isClosed()
                || stripe.mayTouch(iova, iova + size)
                || tables.isPresent(tables.memory.loadPlain(slot))) {
            if (guard != Guards.GONE) {
                tables.guards.unlock(parent, guard);
            }
            space.reserve.putBack(table, !whole);
            return false;
        }
        int count = (int) (size >>> PhysicalMemory.PAGE_SHIFT);
        long entry = tables.addressBits(output) | bits;
        tables.memory.fill(tables.slot(table, iova, 0), entry, tables.step(0), count);
        space.nursery.complete(table, iova, 0, count);
        space.nursery.link(slot, iova, iova + size - 1, false);
        tables.guards.unlock(parent, Guards.counting(guard, 1));
        tables.recent.note(tables.guards.identity(iova), table);
        return true;
    }

    /**
     * Replaces a leaf by a table one level below, as the workspace's punch is aimed, if one stands
     * there.
     *
     * @param level of the leaf
     * @return false: nothing was done
     */
    static boolean split(Tables tables, Workspace space, int level, long iova, IotlbGather gather) {
        if (tables.isClosed() || tables.rootLevel < level) {
            return false;
        }
        long identity = tables.guards.identity(iova, level);
        long parent = tables.probable(iova, level, identity);
        long slot = tables.slot(parent, iova, level);
        if (parent == RecentTables.NONE || !isLeaf(tables, slot, level)) {
            return false;
        }
        space.reserve.requireForSplit();
        long guard = tables.guards.lock(parent, identity);
        if (guard == Guards.GONE) {
            return false;
        }
        if (tables.isClosed() || !isLeaf(tables, slot, level)) {
            tables.guards.unlock(parent, guard);
            return false;
        }
        long base = iova & -tables.span(level);
        space.punch.replace(slot, level, base, gather);
        tables.guards.unlock(parent, guard);
        gather.addRange(base, tables.span(level), tables.span(0));
        gather.markStructureChanged();
        return true;
    }

    private static boolean isLeaf(Tables tables, long slot, int level) {
        long entry = tables.memory.loadPlain(slot);
        return tables.isPresent(entry) && !tables.isTable(entry, level);
    }
}
