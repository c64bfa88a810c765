package org.iommu4j.vtd;

import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.jspecify.annotations.Nullable;

/** Provides the usual allocator, and lets a test look at it. */
final class CapturingAllocator implements TableAllocatorProvider {

    private @Nullable TableAllocator allocator;

    @Override
    public String name() {
        return "capturing";
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        allocator = TableAllocatorProvider.providers().getFirst().create(memory);
        return allocator;
    }

    long taken() {
        return allocator == null ? 0 : allocator.capacity() - allocator.free();
    }
}
