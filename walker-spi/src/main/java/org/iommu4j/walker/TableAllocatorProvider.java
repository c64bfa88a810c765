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

    /**
     * Makes an allocator that takes its pages from another one: how a domain gets its own, with
     * pages that all domains share.
     *
     * @param shared gives the pages; others use it too
     * @return the allocator, which whoever asked for it closes
     * @throws IllegalArgumentException if this kind of allocator needs a memory of its own
     */
    default TableAllocator over(TableAllocator shared) {
        throw new IllegalArgumentException(
                "\""
                        + name()
                        + "\" makes an allocator of a memory of its own; one that takes its pages"
                        + " from the Iommu's, such as \"quota\", is legal here");
    }

    /**
     * Puts the allocators of this provider over those of another.
     *
     * @param inner whose allocators give the pages
     * @return a provider of the same name
     */
    default TableAllocatorProvider over(TableAllocatorProvider inner) {
        return new ComposedProvider(this, inner);
    }

    /** {@return every provider found, highest rank first, then by name} */
    static List<TableAllocatorProvider> providers() {
        return Providers.sorted(ServiceLoader.load(TableAllocatorProvider.class));
    }
}
