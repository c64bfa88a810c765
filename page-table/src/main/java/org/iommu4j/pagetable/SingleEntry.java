package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/**
 * Mapping a range by one large leaf, and unmapping what one entry above level 0 decides, whose
 * table is there: the short way of calls for just that.
 */
final class SingleEntry {

    private SingleEntry() {}

    /** The level, above 0, at which one entry decides just this range, or 0 if there is none. */
    static int level(Tables tables, long iova, long size) {
        return (size & size - 1 | iova & size - 1) == 0 ? tables.levelOfSpan(size) : 0;
    }

    /**
     * Maps a leaf of a level above 0 if nothing at all stands in its place, no change of structure
     * is pending there, and nobody tracks writes.
     *
     * @return false: nothing was done
     */
    static boolean map(Tables tables, int level, long iova, long output, long bits) {
        long identity = tables.guards.identity(iova, level);
        long table = tables.recentUpper.find(identity);
        long guard = tables.guards.lock(table, identity);
        if (guard == Guards.GONE) {
            table = tables.search(iova, level, identity);
            guard = tables.guards.lock(table, identity);
            if (guard == Guards.GONE) {
                return false;
            }
        }
        long slot = tables.slot(table, iova, level);
        long last = iova + tables.span(level) - 1;
        if (!tables.isPlain()
                || tables.stripes.mayTouch(iova, last + 1)
                || tables.isPresent(tables.memory.loadPlain(slot))) {
            tables.guards.unlock(table, guard);
            return false;
        }
        tables.memory.storeRelease(slot, tables.addressBits(output) | bits);
        if (tables.isHeard()) {
            tables.stored(slot, 1);
            tables.settle();
            tables.mapped(iova, last);
        }
        tables.guards.unlock(table, Guards.counting(guard, 1));
        return true;
    }

    /**
     * Clears an entry of a level above 0 if a leaf or a table stands there, and nobody tracks
     * writes.
     *
     * @return how many bytes were mapped, or -1: nothing was done
     */
    static long unmap(
            Tables tables, EmptyTables emptyTables, int level, long iova, IotlbGather gather) {
        long identity = tables.guards.identity(iova, level);
        long table = tables.recentUpper.find(identity);
        long guard = tables.guards.lock(table, identity);
        if (guard == Guards.GONE) {
            table = tables.search(iova, level, identity);
            guard = tables.guards.lock(table, identity);
            if (guard == Guards.GONE) {
                return -1;
            }
        }
        long slot = tables.slot(table, iova, level);
        long entry = tables.memory.loadPlain(slot);
        if (!tables.isPlain() || !tables.isPresent(entry)) {
            tables.guards.unlock(table, guard);
            return -1;
        }
        boolean leaf = !tables.isTable(entry, level);
        long span = tables.span(level);
        long child = tables.target(entry);
        tables.unmapping(iova, iova + span - 1);
        long bytes = leaf ? span : Teardown.seize(tables, child, iova, level - 1);
        tables.store(slot, 0);
        tables.settle();
        if (!leaf) {
            Teardown.takeApart(tables, child, iova, level - 1, gather);
        }
        tables.unmapped(iova, iova + span - 1);
        if (!leaf) {
            tables.stripes.change(iova, iova + span, gather);
            gather.markStructureChanged();
        }
        tables.guards.unlock(table, Guards.counting(guard, -1));
        gather.addRange(iova, span, leaf ? span : tables.span(0));
        if (leaf) {
            tables.stripes.widen(gather, iova, iova + span, tables.span(0));
        }
        if (Guards.count(guard) == 1 && level < tables.rootLevel) {
            emptyTables.add(EmptyTables.name(tables, iova, level), gather);
        }
        return bytes;
    }
}
