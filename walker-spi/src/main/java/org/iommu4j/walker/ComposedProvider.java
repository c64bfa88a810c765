package org.iommu4j.walker;

import org.iommu4j.machine.PhysicalMemory;

/**
 * One provider's allocators over those of another.
 *
 * @param outer makes what is used
 * @param inner makes what gives it pages
 */
record ComposedProvider(TableAllocatorProvider outer, TableAllocatorProvider inner)
        implements TableAllocatorProvider {

    @Override
    public String name() {
        return outer.name();
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        return outer.over(inner.create(memory));
    }

    @Override
    public TableAllocator over(TableAllocator shared) {
        TableAllocator lower = inner.over(shared);
        try {
            return new StackedAllocator(outer.over(lower), lower);
        } catch (RuntimeException | Error e) {
            lower.close();
            throw e;
        }
    }
}
