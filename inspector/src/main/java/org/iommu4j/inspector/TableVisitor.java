package org.iommu4j.inspector;

/** Sees the tables and leaves of an address space in ascending order, without an object each. */
public interface TableVisitor {

    /**
     * Sees a table before anything in it. The root table comes first.
     *
     * @param address its physical address; -1 if that is not known
     * @param level its level; 0 is the one whose leaves are 4 KiB
     * @param iova the first I/O virtual address that it decides
     * @param entry the entry that points to it; 0 for the root table
     */
    void table(long address, int level, long iova, long entry);

    /**
     * Sees a leaf.
     *
     * @param iova its first I/O virtual address
     * @param outputAddress what that byte translates to
     * @param level its level
     * @param entry the leaf; 0 if that is not known
     * @param rights what the path and the leaf allow together: 1 read, 2 write
     */
    void leaf(long iova, long outputAddress, int level, long entry, int rights);
}
