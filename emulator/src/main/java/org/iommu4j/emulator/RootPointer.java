package org.iommu4j.emulator;

/**
 * The root-table address register. What software writes there counts only once it is taken over by
 * a command of its own (GCMD.SRTP).
 */
final class RootPointer implements RegisterBlock {

    /** Offset of the register. */
    static final int OFFSET = 0x20;

    private static final long ADDRESS = ~0xfffL;

    private long written;
    private volatile long current;

    /** Takes over what was written. */
    void take() {
        current = written & ADDRESS;
    }

    /** {@return the physical address of the root table that walks begin at} */
    long current() {
        return current;
    }

    @Override
    public int read(int offset) {
        return RegisterBlock.half(offset, written);
    }

    @Override
    public void write(int offset, int value) {
        written = RegisterBlock.withHalf(offset, written, value);
    }
}
