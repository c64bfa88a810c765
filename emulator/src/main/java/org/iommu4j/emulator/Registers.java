package org.iommu4j.emulator;

import java.util.Arrays;
import org.iommu4j.machine.MmioRegion;

/**
 * The registers of a unit as software sees them: a window of 4 KiB. What no block has claimed is
 * reserved, reads as zero and ignores writes. Accesses are carried out one after another; any
 * thread may make them.
 */
final class Registers implements MmioRegion {

    /** The size of the window. */
    static final int BYTES = 0x1000;

    private static final RegisterBlock RESERVED = new Constant(0);

    private final long address;
    private final RegisterBlock[] blocks = new RegisterBlock[BYTES / Integer.BYTES];

    Registers(long address) {
        this.address = address;
        Arrays.fill(blocks, RESERVED);
    }

    /**
     * Gives a part of the window to a block.
     *
     * @param offset its first byte
     * @param bytes its size
     * @param block whose it is
     */
    void claim(int offset, int bytes, RegisterBlock block) {
        Arrays.fill(blocks, offset / Integer.BYTES, (offset + bytes) / Integer.BYTES, block);
    }

    /** Gives a part of the window to a value that does not change. */
    void constant(int offset, int bytes, long value) {
        claim(offset, bytes, new Constant(value));
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long size() {
        return BYTES;
    }

    @Override
    public synchronized int read32(long offset) {
        int at = checked(offset, Integer.BYTES);
        return blocks[at / Integer.BYTES].read(at);
    }

    @Override
    public synchronized void write32(long offset, int value) {
        int at = checked(offset, Integer.BYTES);
        blocks[at / Integer.BYTES].write(at, value);
    }

    @Override
    public synchronized long read64(long offset) {
        checked(offset, Long.BYTES);
        return Integer.toUnsignedLong(read32(offset)) | (long) read32(offset + 4) << 32;
    }

    @Override
    public synchronized void write64(long offset, long value) {
        checked(offset, Long.BYTES);
        write32(offset, (int) value);
        write32(offset + 4, (int) (value >>> 32));
    }

    private static int checked(long offset, int bytes) {
        if (offset < 0 || offset > BYTES - bytes || offset % bytes != 0) {
            throw new IndexOutOfBoundsException(
                    "no register of "
                            + bytes
                            + " bytes at offset 0x"
                            + Long.toHexString(offset)
                            + "; a multiple of "
                            + bytes
                            + " below 0x1000 is legal");
        }
        return (int) offset;
    }

    /** Registers that cannot be written. */
    private record Constant(long value) implements RegisterBlock {

        @Override
        public int read(int offset) {
            return RegisterBlock.half(offset, value);
        }

        @Override
        public void write(int offset, int ignored) {}
    }
}
