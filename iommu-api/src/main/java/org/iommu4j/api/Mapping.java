package org.iommu4j.api;

/**
 * One leaf: a naturally aligned range of I/O virtual addresses and what it translates to.
 *
 * @param iova first I/O virtual address, in bytes; a multiple of the size
 * @param outputAddress what the first byte translates to; a multiple of the size
 * @param size bytes, a page size of the format
 * @param access what devices may do
 */
public record Mapping(long iova, long outputAddress, long size, Access access) {

    @Override
    public String toString() {
        return "[0x"
                + Long.toHexString(iova)
                + ", 0x"
                + Long.toHexString(iova + size)
                + ") -> 0x"
                + Long.toHexString(outputAddress)
                + " ("
                + access
                + ")";
    }
}
