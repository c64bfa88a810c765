package org.iommu4j.flush.cache;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;

/** Writes whole lines back at once; what is adjacent in one call goes in one piece. */
final class LineFlusher implements CacheFlusher {

    private static final long LINE = 64;

    private final PhysicalMemory memory;

    LineFlusher(PhysicalMemory memory) {
        this.memory = memory;
    }

    @Override
    public boolean isNeeded() {
        return true;
    }

    @Override
    public void written(long address, long bytes) {
        long first = address & -LINE;
        long end = address + bytes + LINE - 1 & -LINE;
        memory.writeBack(first, end - first);
    }

    @Override
    public void fence() {
        memory.fence();
    }
}
