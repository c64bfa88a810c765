package org.iommu4j.pagetable;

import org.iommu4j.walker.TableAllocator;

/** Lends a tree's operations their scratch space. Any thread may use it. */
final class Workspaces {

    private final Tables tables;
    private final TableAllocator allocator;
    private final TableCounts counts;
    private final Lending<Workspace> kept = new Lending<>();

    Workspaces(Tables tables, TableAllocator allocator, TableCounts counts) {
        this.tables = tables;
        this.allocator = allocator;
        this.counts = counts;
    }

    Workspace take() {
        Workspace last = kept.take();
        return last == null ? new Workspace(tables, allocator, counts) : last;
    }

    void giveBack(Workspace lent) {
        kept.giveBack(lent);
    }
}
