package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.event.CoalesceEvent;

/*
 * The reverse of the split. A table whose entries are all leaves, equal in attributes and contiguous, is frozen by its guard
 * and its parent's, read once under them, and replaced by one leaf with one store: a walk finds the same before and after
 * it. The old table goes as it is: hardware may walk it until the invalidation, by way of a paging-structure cache or in a
 * walk it had begun, and may set A and D in it where nobody looks any more. So the leaf is born with every bit that hardware
 * could still set: accessed, and dirty if it is writable. Of the writes by way of the old table it knows beforehand, and
 * who clears its bits has that table forgotten before what was found counts.
 */

/** Replaces tables by leaves that map the same. Any thread may use it. */
final class Coalesce {

    private final Tables tables;
    private final long sets;

    Coalesce(Tables tables) {
        this.tables = tables;
        this.sets = tables.format.accessedMask() | tables.format.dirtyMask();
    }

    /**
     * Merges what can be merged in [first, last], small leaves before larger ones; no guard is held
     * from one table to the next.
     *
     * @return how many leaves were replaced by larger ones
     * @throws IllegalStateException if the tables are closed
     */
    long apply(long first, long last, IotlbGather gather) {
        long merged = 0;
        long at = first + tables.span(1) - 1 & -tables.span(1);
        while (hasBlock(at, last)) {
            int decides = deciding(at);
            merged += decides == 1 ? merge(1, at, gather) : 0;
            at = (at | tables.span(decides) - 1) + 1;
            merged += mergeUpwards(first, last, at, gather);
        }
        return merged;
    }

    /**
     * Merges what can be merged from an address on, looking at so many entries at most.
     *
     * @return where to go on; 0 after the last address
     */
    long step(long first, long last, int entries, IotlbGather gather) {
        long at = first;
        for (int i = 0; i < entries && hasBlock(at, last); i++) {
            int decides = deciding(at);
            if (decides == 1) {
                merge(1, at, gather);
            }
            at = (at | tables.span(decides) - 1) + 1;
            mergeUpwards(0, last, at, gather);
        }
        return hasBlock(at, last) ? at : 0;
    }

    private boolean hasBlock(long at, long last) {
        return tables.rootLevel > 0 && at <= last && last - at >= tables.span(1) - 1;
    }

    /** Merges the lowest table on an address's way, then if it was, the one above, and so on. */
    void around(long iova, IotlbGather gather) {
        int level = deciding(iova);
        while (level <= tables.rootLevel && merge(level, iova & -tables.span(level), gather) > 0) {
            level++;
        }
    }

    /** Merges the larger blocks that end at an address: all below them has been tried. */
    private long mergeUpwards(long first, long last, long end, IotlbGather gather) {
        long merged = 0;
        for (int level = 2; level <= tables.rootLevel && end - 1 <= last; level++) {
            long span = tables.span(level);
            if ((end & span - 1) != 0 || end - span < first) {
                break;
            }
            merged += merge(level, end - span, gather);
        }
        return merged;
    }

    /** The level, 1 or above, of the lowest entry on an address's way, as it looks unlocked. */
    private int deciding(long iova) {
        if (tables.isClosed()) {
            throw Tables.closedException();
        }
        return Tables.levelOf(tables.descend(iova, 1));
    }

    /**
     * Replaces the table below the entry of a level by a leaf, if it can be.
     *
     * @return how many leaves were replaced
     */
    private long merge(int level, long iova, IotlbGather gather) {
        if (!looksFull(level, iova)) {
            return 0;
        }
        long place = tables.lockTop(iova, level);
        long parent = Tables.tableOf(place);
        long merged = 0;
        if (Tables.levelOf(place) == level) {
            long slot = tables.slot(parent, iova, level);
            long entry = tables.memory.loadPlain(slot);
            if (tables.isTable(entry, level)) {
                merged = mergeLocked(slot, tables.target(entry), level, iova, gather);
            }
        }
        tables.guards.unlock(parent);
        return merged;
    }

    /** Looks without a guard, so that tables that cannot be merged disturb nobody. */
    private boolean looksFull(int level, long iova) {
        if (!tables.leaves.merges(level)) {
            return false;
        }
        long place = tables.descend(iova, level - 1);
        return Tables.levelOf(place) == level - 1
                && tables.guards.presentIn(Tables.tableOf(place)) == tables.entries();
    }

    private long mergeLocked(long slot, long child, int level, long iova, IotlbGather gather) {
        CoalesceEvent event = CoalesceEvent.begun();
        tables.lockChild(child, iova, level - 1);
        long leaf = leafFor(child, level);
        if (leaf == 0) {
            tables.guards.unlock(child);
            return 0;
        }
        long span = tables.span(level);
        tables.store(slot, leaf);
        tables.settle();
        tables.stripes.change(iova, iova + span, gather);
        tables.guards.kill(child);
        tables.unlinked(child);
        gather.addTable(child);
        gather.addRange(iova, span, tables.span(0));
        gather.markStructureChanged();
        tables.counts.coalesced();
        if (event != null) {
            event.ended(tables.root, iova, tables.span(level - 1), span);
        }
        return tables.entries();
    }

    /** The leaf that maps what a frozen table maps, or 0 if there is none. */
    private long leafFor(long child, int level) {
        int below = level - 1;
        long first = tables.memory.loadPlain(child);
        boolean merges =
                tables.leaves.merges(level)
                        && tables.guards.presentIn(child) == tables.entries()
                        && !tables.isTable(first, below)
                        && (tables.format.outputAddress(first, below) & tables.span(level) - 1)
                                == 0;
        if (!merges) {
            return 0;
        }
        long expected = first & ~sets;
        long found = first & sets;
        for (int i = 1; i < tables.entries(); i++) {
            long entry = tables.memory.loadPlain(child + (long) i * Long.BYTES);
            expected += tables.step(below);
            if ((entry & ~sets) != expected) {
                return 0;
            }
            found |= entry & sets;
        }
        boolean writable = tables.format.isWritable(first);
        return tables.format.parent(first, below)
                | found
                | tables.format.accessedMask()
                | (writable ? tables.format.dirtyMask() : 0);
    }
}
