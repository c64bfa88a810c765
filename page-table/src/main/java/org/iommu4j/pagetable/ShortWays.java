package org.iommu4j.pagetable;

import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * The ways for calls that change one table or one entry, which most calls do: nothing is planned.
 * What they do not do, for whatever reason, the long way does. Any thread may use them.
 */
final class ShortWays {

    private final RangeCheck check;
    private final PageTableFormat format;
    private final Tables tables;
    private final SinglePages pages;
    private final EmptyTables emptyTables;
    private final Workspaces workspaces;

    ShortWays(Tables tables, RangeCheck check, EmptyTables emptyTables, Workspaces workspaces) {
        this.check = check;
        this.format = tables.format;
        this.tables = tables;
        this.pages = new SinglePages(tables, emptyTables);
        this.emptyTables = emptyTables;
        this.workspaces = workspaces;
    }

    /** Maps pages into one table, or one large leaf; false: nothing was done. */
    boolean map(long iova, long outputAddress, long size, Access access) {
        if (size == PhysicalMemory.PAGE_SIZE) { // most calls; the compiler knows the size then
            check.pageMapping(iova, outputAddress);
            long bits = format.leafBits(access, 0);
            return pages.map(iova, PhysicalMemory.PAGE_SIZE, outputAddress, bits)
                    || mapIntoNewTable(iova, outputAddress, size, bits);
        }
        check.mapping(iova, outputAddress, size);
        if (tables.isInOneTable(iova, size)) {
            long bits = format.leafBits(access, 0);
            return pages.map(iova, size, outputAddress, bits)
                    || mapIntoNewTable(iova, outputAddress, size, bits);
        }
        int level = SingleEntry.level(tables, iova, size);
        if (level > 0 && (outputAddress & size - 1) == 0 && tables.leaves.has(level)) {
            long bits = format.leafBits(access, level);
            return SingleEntry.map(tables, level, iova, outputAddress, bits);
        }
        return level == 1 && mapIntoNewTable(iova, outputAddress, size, format.leafBits(access, 0));
    }

    /** Unmaps pages of one table, or what one entry decides; -1: nothing was done. */
    long unmap(long iova, long size, IotlbGather gather) {
        if (size == PhysicalMemory.PAGE_SIZE) {
            check.page(iova);
            return pages.unmap(iova, PhysicalMemory.PAGE_SIZE, gather);
        }
        check.range(iova, size);
        if (tables.isInOneTable(iova, size)) {
            return pages.unmap(iova, size, gather);
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
