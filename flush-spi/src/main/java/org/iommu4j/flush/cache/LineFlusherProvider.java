package org.iommu4j.flush.cache;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Provides {@code line}: writes back exactly the lines of the processor's cache that were stored
 * to, each once between two fences.
 */
public final class LineFlusherProvider implements CacheFlusherProvider {

    private static final long LINE = 64;

    /** For the service loader. */
    public LineFlusherProvider() {}

    @Override
    public String name() {
        return "line";
    }

    @Override
    public CacheFlusher create(PhysicalMemory memory) {
        return new BlockFlusher(memory, LINE);
    }
}
