package org.iommu4j.pagetable;

import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The ways for calls that change one table or one entry, which most calls do: nothing is planned.
 * What they do not do, for whatever reason, the long way does. Any thread may use them.
 */
final class ShortWays {

    private final Tables tables;
    private final EmptyTables emptyTables;
    private final Workspaces workspaces;

    ShortWays(Tables tables, EmptyTables emptyTables, Workspaces workspaces) {
        this.tables = tables;
        this.emptyTables = emptyTables;
        this.workspaces = workspaces;
    }

    /** Maps pages into one table, or one large leaf; false: nothing was done. */
    boolean map(long iova, long outputAddress, long size, Access access) {
        if (tables.isInOneTable(iova, size)) {
            long bits = tables.format.leafBits(access, 0);
            return SinglePages.map(tables, iova, size, outputAddress, bits)
                    || mapIntoNewTable(iova, outputAddress, size, bits);
        }
        int level = SingleEntry.level(tables, iova, size);
        if (level > 0 && (outputAddress & size - 1) == 0 && tables.leaves.has(level)) {
            long bits = tables.format.leafBits(access, level);
            return SingleEntry.map(tables, level, iova, outputAddress, bits);
        }
        return level == 1
                && mapIntoNewTable(iova, outputAddress, size, tables.format.leafBits(access, 0));
    }

    /** Unmaps pages of one table, or what one entry decides; -1: nothing was done. */
    long unmap(long iova, long size, IotlbGather gather) {
        if (tables.isInOneTable(iova, size)) {
            long removed = SinglePages.unmap(tables, emptyTables, iova, size, gather);
            return removed < 0 ? removed : removed << PhysicalMemory.PAGE_SHIFT;
        }
        int level = SingleEntry.level(tables, iova, size);
        return level == 0 ? -1 : SingleEntry.unmap(tables, emptyTables, level, iova, gather);
    }

    private boolean mapIntoNewTable(long iova, long outputAddress, long size, long bits) {
        Workspace space = workspaces.take();
        try {
            return SingleTable.map(tables, space, iova, size, outputAddress, bits);
        } finally {
            workspaces.giveBack(space);
        }
    }
}
