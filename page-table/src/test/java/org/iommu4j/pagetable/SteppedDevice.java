package org.iommu4j.pagetable;

import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * A device whose requests walk the tables as hardware does, each access a step: it sets the
 * accessed bit of every entry that it goes through, and the dirty bit of a leaf before it writes,
 * by an exchange, and walks again where that fails.
 */
final class SteppedDevice {

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private final long root;

    SteppedDevice(PageTableFormat format, PhysicalMemory memory, long root) {
        this.format = format;
        this.memory = memory;
        this.root = root;
    }

    /**
     * Makes one request.
     *
     * @param iova where
     * @param write true for a write
     * @return the bits that stand in the leaf now because of it; 0 if nothing is mapped there
     */
    long use(long iova, boolean write) {
        long bits = format.accessedMask() | (write ? format.dirtyMask() : 0);
        long table = root;
        int level = format.levels() - 1;
        while (true) {
            long slot =
                    table + (iova >>> format.shift(level) & (format.entries() - 1)) * Long.BYTES;
            long entry = memory.loadAcquire(slot);
            if (!format.isPresent(entry)) {
                return 0;
            }
            boolean leaf = format.isLeaf(entry, level);
            if (!marked(slot, entry, leaf ? bits : format.accessedMask())) {
                table = root;
                level = format.levels() - 1;
            } else if (leaf) {
                return bits;
            } else {
                table = format.tableAddress(entry);
                level--;
            }
        }
    }

    private boolean marked(long slot, long entry, long bits) {
        return (entry & bits) == bits
                || memory.compareAndExchange(slot, entry, entry | bits) == entry;
    }
}
