package org.iommu4j.emulator;

/**
 * The root-table address register. What software writes there counts only once it is taken over by
 * a command of its own (GCMD.SRTP).
 */
final class RootPointer implements RegisterBlock {

    /** Offset of the register. */
    static final int OFFSET = 0x20;

    private static final long ADDRESS = ~0xfffL;
    private static final int MODE_SHIFT = 10;
    private static final int MODES = 3;

    /**
     * Where walks begin.
     *
     * @param address the physical address of the root table
     * @param mode the translation table mode (TTM)
     */
    record Root(long address, int mode) {

        private static final int LEGACY = 0;
        private static final int SCALABLE = 1;

        boolean isLegacy() {
            return mode == LEGACY;
        }

        boolean isScalable() {
            return mode == SCALABLE;
        }
    }

    private final boolean scalable;
    private long written;
    private volatile Root current = new Root(0, Root.LEGACY);

    /**
     * Makes the register.
     *
     * @param scalable true if there is a mode to choose; else those bits do not count
     */
    RootPointer(boolean scalable) {
        this.scalable = scalable;
    }

    /** Takes over what was written. */
    void take() {
        int mode = scalable ? (int) (written >>> MODE_SHIFT) & MODES : Root.LEGACY;
        current = new Root(written & ADDRESS, mode);
    }

    /** {@return where walks begin} */
    Root current() {
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
