package org.iommu4j.conformance.backend;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/** Provides a cache flusher that writes back whatever it is told of, at once. */
final class AtOnceFlusher implements CacheFlusherProvider {

    @Override
    public String name() {
        return "kit";
    }

    @Override
    public CacheFlusher create(PhysicalMemory memory) {
        return new CacheFlusher() {
            @Override
            public boolean isNeeded() {
                return true;
            }

            @Override
            public void written(long address, long bytes) {
                memory.writeBack(address, bytes);
            }

            @Override
            public void fence() {
                memory.fence();
            }
        };
    }
}
