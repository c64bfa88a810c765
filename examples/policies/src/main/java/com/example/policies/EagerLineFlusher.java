package com.example.policies;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PhysicalMemory;

/** Provides {@code eager-line}: writes each line back as soon as it was stored to. */
public final class EagerLineFlusher implements CacheFlusherProvider {

    private static final long LINE = 64;

    /** For the service loader. */
    public EagerLineFlusher() {}

    @Override
    public String name() {
        return "eager-line";
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
                long first = address & -LINE;
                memory.writeBack(first, (address + bytes + LINE - 1 & -LINE) - first);
            }

            @Override
            public void fence() {
                memory.fence();
            }
        };
    }
}
