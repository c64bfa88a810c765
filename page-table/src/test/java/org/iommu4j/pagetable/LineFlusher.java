package org.iommu4j.pagetable;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;

/** Writes back the touched lines, or nothing at all where the walker snoops. */
final class LineFlusher implements CacheFlusher {

    private static final long LINE = 64;

    private final PhysicalMemory memory;
    private final boolean needed;

    LineFlusher(PhysicalMemory memory, boolean needed) {
        this.memory = memory;
        this.needed = needed;
    }

    @Override
    public boolean isNeeded() {
        return needed;
    }

    @Override
    public void written(long address, long bytes) {
        long first = address & -LINE;
        long end = (address + bytes + LINE - 1) & -LINE;
        memory.writeBack(first, end - first);
    }

    @Override
    public void fence() {
        memory.fence();
    }
}
