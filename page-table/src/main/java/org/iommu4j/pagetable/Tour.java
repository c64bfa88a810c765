package org.iommu4j.pagetable;

import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.api.IotlbGather;

/**
 * Goes through all tables of a tree, holding the guards on the way down, to count leaves or to take
 * empty tables away.
 */
final class Tour {

    private final Tables tables;
    private final EmptyTables emptyTables;

    Tour(Tables tables, EmptyTables emptyTables) {
        this.tables = tables;
        this.emptyTables = emptyTables;
    }

    /** How many leaves there are of each page size. */
    SortedMap<Long, Long> leaves() {
        long[] leaves = new long[tables.rootLevel + 1];
        lockRoot();
        count(tables.root, 0, tables.rootLevel, leaves);
        SortedMap<Long, Long> bySize = new TreeMap<>();
        for (int level = 0; level <= tables.rootLevel; level++) {
            if (tables.leaves.has(level)) {
                bySize.put(tables.span(level), leaves[level]);
            }
        }
        return bySize;
    }

    /** Unlinks every empty table. */
    void trim(IotlbGather gather) {
        lockRoot();
        trim(tables.root, 0, tables.rootLevel, gather);
    }

    private void lockRoot() {
        tables.lockTop(0, tables.rootLevel);
    }

    /** Counts below a locked table, and unlocks it. */
    private void count(long table, long iova, int level, long[] leaves) {
        if (level == 0) {
            leaves[0] += tables.guards.presentIn(table);
        } else {
            for (int i = 0; i < tables.entries(); i++) {
                long entry = tables.memory.loadPlain(table + (long) i * Long.BYTES);
                long at = iova + i * tables.span(level);
                if (tables.isTable(entry, level)) {
                    tables.lockChild(tables.target(entry), at, level - 1);
                    count(tables.target(entry), at, level - 1, leaves);
                } else if (tables.isPresent(entry)) {
                    leaves[level]++;
                }
            }
        }
        tables.guards.unlock(table);
    }

    /**
     * Takes empty tables below a locked table away, and unlocks it unless it is empty itself. True
     * if it is.
     */
    private boolean trim(long table, long iova, int level, IotlbGather gather) {
        int removed = 0;
        if (level > 0) {
            for (int i = 0; i < tables.entries(); i++) {
                long slot = table + (long) i * Long.BYTES;
                long entry = tables.memory.loadPlain(slot);
                long at = iova + i * tables.span(level);
                if (tables.isTable(entry, level)) {
                    tables.lockChild(tables.target(entry), at, level - 1);
                    if (trim(tables.target(entry), at, level - 1, gather)) {
                        emptyTables.unlink(slot, tables.target(entry), at, level - 1, gather);
                        removed++;
                    }
                }
            }
        }
        if (tables.guards.presentIn(table) == removed && level < tables.rootLevel) {
            return true;
        }
        tables.guards.unlockCounting(table, -removed);
        return false;
    }
}
