package org.iommu4j.pagetable;

import org.iommu4j.api.DomainOptions;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * Which addresses and sizes are legal.
 *
 * @param addressWidth the width of I/O virtual addresses, in bits
 * @param outputWidth the width of output addresses that the format can hold, in bits
 * @param notInPage the bits of which no I/O virtual address of a page has any
 * @param notInOutput the same of output addresses
 */
record RangeCheck(int addressWidth, int outputWidth, long notInPage, long notInOutput) {

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
        long addresses = format.addressMask() << format.addressShift(); // without a gap
        int outputWidth = Long.SIZE - Long.numberOfLeadingZeros(addresses);
        return new RangeCheck(
                width, outputWidth, -1L << width | PAGE_MASK, -1L << outputWidth | PAGE_MASK);
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

    void page(long iova) {
        if ((iova & notInPage) != 0) {
            throw badRange(iova, PhysicalMemory.PAGE_SIZE);
        }
    }

    void pageMapping(long iova, long outputAddress) {
        if ((iova & notInPage | outputAddress & notInOutput) != 0) {
            page(iova);
            throw badOutput(outputAddress, PhysicalMemory.PAGE_SIZE);
        }
    }

    void mapping(long iova, long outputAddress, long size) {
        long last = iova + size - 1;
        long lastOutput = outputAddress + size - 1;
        long misaligned = (iova | outputAddress | size) & PAGE_MASK;
        long outside = (iova | size - 1 | last) >>> addressWidth;
        if ((misaligned | outside | (outputAddress | lastOutput) >>> outputWidth) != 0) {
            range(iova, size);
            throw badOutput(outputAddress, size);
        }
    }

    private IllegalArgumentException badOutput(long address, long size) {
        return new IllegalArgumentException(
                "cannot map 0x"
                        + Long.toHexString(size)
                        + " bytes to 0x"
                        + Long.toHexString(address)
                        + ": output addresses are multiples of 0x1000 below 0x"
                        + Long.toHexString(1L << outputWidth));
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
