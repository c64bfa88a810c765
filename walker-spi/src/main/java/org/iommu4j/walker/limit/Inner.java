package org.iommu4j.walker.limit;

import java.util.Optional;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocatorProvider;

/** Finds the provider whose allocators another one's stand over. */
final class Inner {

    private Inner() {}

    /**
     * {@return the provider that was named, or the one of the highest rank; found only now, so that
     * a provider can be made before the others are loaded}
     */
    static TableAllocatorProvider provider(Optional<String> named) {
        var found = TableAllocatorProvider.providers();
        return named.map(name ->
                        Providers.choose(
                                TableAllocatorProvider.class, "table allocator", found, name))
                .orElseGet(() -> Providers.preferred("table allocator", found));
    }
}
