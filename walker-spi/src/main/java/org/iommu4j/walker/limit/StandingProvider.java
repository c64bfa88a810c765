package org.iommu4j.walker.limit;

import java.util.List;
import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Provides allocators that stand over another one: the one that was named, else the shared one or
 * that of the highest rank.
 */
abstract class StandingProvider implements TableAllocatorProvider {

    private final Optional<String> inner;

    /**
     * Makes a provider.
     *
     * @param inner the provider whose allocators these stand over, with its parameters; looked up
     *     only when an allocator is made, since a provider can be made before the others are loaded
     */
    StandingProvider(Optional<String> inner) {
        this.inner = inner;
    }

    /** {@return the same, but for what it was told to stand over} */
    abstract StandingProvider alone();

    /** Makes an allocator directly over another one. */
    abstract TableAllocator standingOn(TableAllocator lower);

    @Override
    public final TableAllocator create(PhysicalMemory memory) {
        return overInner().create(memory);
    }

    @Override
    public final TableAllocator over(TableAllocator shared) {
        return inner.isPresent() ? overInner().over(shared) : standingOn(shared);
    }

    private TableAllocatorProvider overInner() {
        List<TableAllocatorProvider> found = TableAllocatorProvider.providers();
        TableAllocatorProvider lower =
                inner.map(name ->
                                Providers.choose(
                                        TableAllocatorProvider.class,
                                        "table allocator",
                                        found,
                                        name))
                        .orElseGet(() -> Providers.preferred("table allocator", found));
        return alone().over(lower);
    }
}
