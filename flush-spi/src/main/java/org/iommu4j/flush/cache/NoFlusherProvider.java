package org.iommu4j.flush.cache;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/** Provides {@code none}: for units that snoop the processor's cache. */
public final class NoFlusherProvider implements CacheFlusherProvider {

    private static final int RANK = 100;

    private static final CacheFlusher NONE =
            new CacheFlusher() {
                @Override
                public boolean isNeeded() {
                    return false;
                }

                @Override
                public void written(long address, long bytes) {}

                @Override
                public void fence() {}
            };

    /** For the service loader. */
    public NoFlusherProvider() {}

    @Override
    public String name() {
        return "none";
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public CacheFlusher create(PhysicalMemory memory) {
        return NONE;
    }
}
