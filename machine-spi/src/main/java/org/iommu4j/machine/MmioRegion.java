package org.iommu4j.machine;

/**
 * Registers of a device, accessed at offsets from the start of the region. Accesses are in program
 * order, each is one bus access, and each may have side effects. Any thread may call any method.
 */
public interface MmioRegion {

    /** {@return the physical address of the region's first byte} */
    long address();

    /** {@return the size, in bytes} */
    long size();

    /**
     * Reads a 32-bit register.
     *
     * @param offset its offset, in bytes; a multiple of 4
     * @return its value
     * @throws IndexOutOfBoundsException if it is outside of the region
     */
    int read32(long offset);

    /**
     * Writes a 32-bit register.
     *
     * @param offset its offset, in bytes; a multiple of 4
     * @param value what to write
     * @throws IndexOutOfBoundsException if it is outside of the region
     */
    void write32(long offset, int value);

    /**
     * Reads a 64-bit register.
     *
     * @param offset its offset, in bytes; a multiple of 8
     * @return its value
     * @throws IndexOutOfBoundsException if it is outside of the region
     */
    long read64(long offset);

    /**
     * Writes a 64-bit register.
     *
     * @param offset its offset, in bytes; a multiple of 8
     * @param value what to write
     * @throws IndexOutOfBoundsException if it is outside of the region
     */
    void write64(long offset, long value);
}
