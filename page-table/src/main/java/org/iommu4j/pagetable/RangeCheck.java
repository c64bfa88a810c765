package org.iommu4j.pagetable;

import org.iommu4j.api.DomainOptions;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * Which addresses and sizes are legal.
 *
 * @param addressWidth the width of I/O virtual addresses, in bits
 * @param outputEnd the first output address that the format cannot hold
 */
record RangeCheck(int addressWidth, long outputEnd) {

    private static final long PAGE_MASK = PhysicalMemory.PAGE_SIZE - 1;

    static RangeCheck of(PageTableFormat format, DomainOptions options) {
        int width = options.addressWidth() == 0 ? format.addressWidth() : options.addressWidth();
        if (width > format.addressWidth()) {
            throw new IllegalArgumentException(
                    "an address width of "
                            + width
                            + " bits; the format "
                            + format.name()
                            + " has "
                            + format.addressWidth());
        }
        long last = format.addressMask() << format.addressShift();
        return new RangeCheck(width, last + PhysicalMemory.PAGE_SIZE);
    }

    static long pageSizes(PageTableFormat format, DomainOptions options) {
        long sizes = options.pageSizes() == 0 ? format.pageSizes() : options.pageSizes();
        if ((sizes & ~format.pageSizes()) != 0 || (sizes & PhysicalMemory.PAGE_SIZE) == 0) {
            throw new IllegalArgumentException(
                    "page sizes 0x"
                            + Long.toHexString(sizes)
                            + ", OR-ed together; the format "
                            + format.name()
                            + " has 0x"
                            + Long.toHexString(format.pageSizes())
                            + ", and 0x1000 is necessary");
        }
        return sizes;
    }

    boolean isInside(long iova) {
        return iova >>> addressWidth == 0;
    }

    void range(long iova, long size) {
        long last = iova + size - 1;
        /* A size of 0 becomes negative. */
        if (((iova | size) & PAGE_MASK) != 0 || (iova | size - 1 | last) >>> addressWidth != 0) {
            throw badRange(iova, size);
        }
    }

    void output(long address, long size) {
        if ((address & PAGE_MASK) != 0 || address < 0 || size > outputEnd - address) {
            throw new IllegalArgumentException(
                    "cannot map 0x"
                            + Long.toHexString(size)
                            + " bytes to 0x"
                            + Long.toHexString(address)
                            + ": output addresses are multiples of 0x1000 below 0x"
                            + Long.toHexString(outputEnd));
        }
    }

    private IllegalArgumentException badRange(long iova, long size) {
        return new IllegalArgumentException(
                "the range of 0x"
                        + Long.toHexString(size)
                        + " bytes from 0x"
                        + Long.toHexString(iova)
                        + ": both must be multiples of 0x1000, the size not 0, and the range must lie in"
                        + " [0, 0x"
                        + Long.toHexString(1L << addressWidth)
                        + ")");
    }
}
