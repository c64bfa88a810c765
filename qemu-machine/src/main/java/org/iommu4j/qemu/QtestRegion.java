package org.iommu4j.qemu;

import org.iommu4j.machine.MmioRegion;

/**
 * Registers of QEMU: each access is a command and its answer.
 *
 * @param qtest the connection
 * @param address the physical address of the first byte
 * @param size the size, in bytes
 */
record QtestRegion(Qtest qtest, long address, long size) implements MmioRegion {

    @Override
    public int read32(long offset) {
        return (int) qtest.run(new Batch().read32(checked(offset, Integer.BYTES))).value();
    }

    @Override
    public void write32(long offset, int value) {
        qtest.run(new Batch().write32(checked(offset, Integer.BYTES), value));
    }

    @Override
    public long read64(long offset) {
        return qtest.run(new Batch().read64(checked(offset, Long.BYTES))).value();
    }

    @Override
    public void write64(long offset, long value) {
        qtest.run(new Batch().write64(checked(offset, Long.BYTES), value));
    }

    private long checked(long offset, int bytes) {
        if (offset < 0 || offset > size - bytes || offset % bytes != 0) {
            throw new IndexOutOfBoundsException(
                    "a register of "
                            + bytes
                            + " bytes at offset 0x"
                            + Long.toHexString(offset)
                            + " of 0x"
                            + Long.toHexString(size)
                            + " bytes; multiples of the size are legal");
        }
        return address + offset;
    }
}
