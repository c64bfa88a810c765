package org.iommu4j.walker;

import java.util.List;
import java.util.ServiceLoader;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/** Makes table allocators; found by {@link ServiceLoader}. */
public interface TableAllocatorProvider extends Provider {

    /**
     * Makes an allocator that hands out all pages of a memory but the one at physical address 0.
     *
     * @param memory the memory; a part of a machine's, where the rest is not for tables
     * @return the allocator
     */
    TableAllocator create(PhysicalMemory memory);

    /** {@return every provider found, highest rank first, then by name} */
    static List<TableAllocatorProvider> providers() {
        return Providers.sorted(ServiceLoader.load(TableAllocatorProvider.class));
    }
}
