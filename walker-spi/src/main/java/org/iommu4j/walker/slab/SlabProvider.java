package org.iommu4j.walker.slab;

import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Provides {@code slab}: recycled pages near each thread, and exact all the same. */
public final class SlabProvider implements TableAllocatorProvider {

    private static final int RANK = 100;

    /** For the service loader. */
    public SlabProvider() {}

    @Override
    public String name() {
        return "slab";
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        return new SlabAllocator(memory);
    }
}
