package org.iommu4j.pagetable;

import org.iommu4j.api.Mapping;
import org.iommu4j.walker.PageTableFormat;

/**
 * A leaf that was in an operation's way, noted under the guard of its table. Used by one thread.
 */
final class FoundLeaf {

    private long entry;
    private int level;
    private long iova;

    /** Notes a leaf and an address in it. */
    void note(long leaf, int at, long address) {
        entry = leaf;
        level = at;
        iova = address;
    }

    /** The address that was noted. */
    long iova() {
        return iova;
    }

    Mapping mapping(PageTableFormat format) {
        long size = 1L << format.shift(level);
        return new Mapping(
                iova & -size,
                format.outputAddress(entry, level),
                size,
                format.access(entry, level));
    }
}
