package org.iommu4j.inspector;

import org.iommu4j.machine.PhysicalMemory;

/** Memory that is in use while it is looked at. */
record LiveView(PhysicalMemory memory) implements PhysicalView {

    @Override
    public boolean holds(long address, long bytes) {
        long offset = address - memory.start();
        return offset >= 0 && bytes <= memory.size() && offset <= memory.size() - bytes;
    }

    @Override
    public long load(long address) {
        return memory.loadAcquire(address);
    }

    @Override
    public long nextPage(long from) {
        long page = Math.max(Ranges.pageAtOrAbove(from), memory.start());
        return holds(page, PhysicalMemory.PAGE_SIZE) ? page : NONE;
    }

    @Override
    public String extent() {
        return Hex.range(memory.start(), memory.start() + memory.size());
    }
}
