package org.iommu4j.vtd;

import java.util.Objects;
import org.iommu4j.machine.PageList;
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

    /** Takes every page that is free until the returned is closed. */
    AutoCloseable exhausted() {
        TableAllocator all = Objects.requireNonNull(allocator);
        PageList pages = new PageList();
        for (long page = all.take(); page >= 0; page = all.take()) {
            pages.add(page);
        }
        return () -> all.giveBack(pages);
    }

    long taken() {
        return allocator == null ? 0 : allocator.capacity() - allocator.free();
    }
}
