package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/**
 * Unlinks whole subtrees, and counts what was mapped in them. Without state; any thread may use it.
 */
final class Teardown {

    private Teardown() {}

    /**
     * Makes a table and all below it tables no more, so that nobody can act on them or begin a walk
     * there. The caller holds the guard of the parent, and clears the parent's entry before it lets
     * that go.
     *
     * @return how many bytes are mapped there
     */
    static long seize(Tables tables, long table, long iova, int level) {
        int left = tables.guards.seize(table, tables.guards.identity(iova, level));
        if (level == 0) {
            return (long) left << tables.shift(0);
        }
        long bytes = 0;
        for (int i = 0; left > 0 && i < tables.entries(); i++) {
            long entry = tables.memory.loadPlain(table + (long) i * Long.BYTES);
            if (tables.isPresent(entry)) {
                left--;
                bytes +=
                        tables.isTable(entry, level)
                                ? seize(
                                        tables,
                                        tables.target(entry),
                                        iova + i * tables.span(level),
                                        level - 1)
                                : tables.span(level);
            }
        }
        return bytes;
    }

    /** Puts what was seized and then unlinked onto the freelist. */
    static void takeApart(Tables tables, long table, long iova, int level, IotlbGather gather) {
        boolean tracked = tables.isTracked();
        for (int i = 0; (level > 0 || tracked) && i < tables.entries(); i++) {
            long slot = table + (long) i * Long.BYTES;
            long entry = tables.memory.loadPlain(slot);
            long at = iova + i * tables.span(level);
            if (tables.isTable(entry, level)) {
                takeApart(tables, tables.target(entry), at, level - 1, gather);
            } else if (tracked && tables.isPresent(entry)) {
                RemovedLeaves.clear(tables, slot, level, at);
            }
        }
        gone(tables, table, gather);
    }

    /** Makes an empty table that the caller has locked no table any more. */
    static void killEmpty(Tables tables, long table, IotlbGather gather) {
        tables.guards.kill(table);
        gone(tables, table, gather);
    }

    /** A page is no part of the tables any more. */
    static void gone(Tables tables, long table, IotlbGather gather) {
        tables.unlinked(table);
        gather.addTable(table);
    }
}
