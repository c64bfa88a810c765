package org.iommu4j.api;

/** Sees the leaves of a range in ascending order, without an object a leaf. */
@FunctionalInterface
public interface MappingVisitor {

    /**
     * Sees one leaf.
     *
     * @param iova its first I/O virtual address, in bytes; may be below the start of the asked
     *     range
     * @param outputAddress what that byte translates to
     * @param size its size, in bytes; may reach past the end of the asked range
     * @param access what devices may do
     * @return true to go on, false to stop
     */
    boolean leaf(long iova, long outputAddress, long size, Access access);
}
