package org.iommu4j.flush.cache;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Provides {@code page}: writes back whole pages that were stored to, for where one operation on a
 * page costs less than several on its lines.
 */
public final class PageFlusherProvider implements CacheFlusherProvider {

    /** For the service loader. */
    public PageFlusherProvider() {}

    @Override
    public String name() {
        return "page";
    }

    @Override
    public CacheFlusher create(PhysicalMemory memory) {
        return new BlockFlusher(memory, PhysicalMemory.PAGE_SIZE);
    }
}
