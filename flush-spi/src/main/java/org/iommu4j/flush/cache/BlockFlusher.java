package org.iommu4j.flush.cache;

import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Writes back the aligned blocks that were stored to, lines or pages, each once however many of its
 * words were stored: what a thread stores is remembered until its fence, and neighbouring blocks go
 * in one piece.
 */
final class BlockFlusher implements CacheFlusher {

    private final PhysicalMemory memory;
    private final long block;
    private final ThreadLocal<TouchedBlocks> touched;

    /**
     * Makes a flusher.
     *
     * @param block the size of a block, in bytes; a power of two
     */
    BlockFlusher(PhysicalMemory memory, long block) {
        this.memory = memory;
        this.block = block;
        this.touched = ThreadLocal.withInitial(() -> new TouchedBlocks(memory));
    }

    @Override
    public boolean isNeeded() {
        return true;
    }

    @Override
    public void written(long address, long bytes) {
        touched.get().add(address & -block, address + bytes + block - 1 & -block);
    }

    @Override
    public void fence() {
        touched.get().writeBack();
        memory.fence();
    }
}
