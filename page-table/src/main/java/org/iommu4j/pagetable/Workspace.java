package org.iommu4j.pagetable;

import org.iommu4j.walker.TableAllocator;

/** The scratch space of one operation, lent out so that operations allocate nothing. */
final class Workspace {

    final Reserve reserve;
    final MapOperation mapping;
    final RangeChange change;
    final DirtyPass dirty;

    Workspace(Tables tables, TableAllocator allocator, TableCounts counts) {
        this.reserve = new Reserve(allocator);
        Nursery nursery = new Nursery(tables, reserve, counts);
        this.mapping = new MapOperation(tables, reserve, nursery);
        this.change = new RangeChange(tables, reserve, new Punch(tables, nursery, counts));
        this.dirty = new DirtyPass(tables, change, reserve);
    }
}
