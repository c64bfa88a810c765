package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/**
 * Unlinks whole subtrees, and counts what was mapped in them. Without state; any thread may use it.
 */
final class Teardown {

    private Teardown() {}

    /**
     * Makes a table and all below it no tables any more, and puts them onto the freelist. The
     * caller holds the guard of the parent, and clears the parent's entry before it lets that go.
     *
     * @return how many bytes were mapped
     */
    static long seize(Tables tables, long table, long iova, int level, IotlbGather gather) {
        int present = tables.guards.seize(table, tables.guards.identity(iova, level));
        long bytes =
                level == 0 && !tables.isTracked()
                        ? (long) present << tables.shift(0)
                        : contents(tables, table, iova, level, present, gather);
        gone(tables, table, gather);
        return bytes;
    }

    /** Makes an empty table that the caller has locked no table any more. */
    static void killEmpty(Tables tables, long table, IotlbGather gather) {
        tables.guards.kill(table);
        gone(tables, table, gather);
    }

    private static long contents(
            Tables tables, long table, long iova, int level, int present, IotlbGather gather) {
        long bytes = 0;
        int left = present;
        boolean tracked = tables.isTracked();
        for (int i = 0; left > 0 && i < tables.entries(); i++) {
            long slot = table + (long) i * Long.BYTES;
            long entry = tables.memory.loadPlain(slot);
            if (!tables.isPresent(entry)) {
                continue;
            }
            left--;
            long at = iova + i * tables.span(level);
            if (tables.isTable(entry, level)) {
                bytes += seize(tables, tables.target(entry), at, level - 1, gather);
            } else {
                bytes += tables.span(level);
                if (tracked) {
                    RemovedLeaves.clear(tables, slot, level, at);
                }
            }
        }
        return bytes;
    }

    /** A page is no part of the tables any more. */
    static void gone(Tables tables, long table, IotlbGather gather) {
        tables.unlinked(table);
        gather.addTable(table);
    }
}
