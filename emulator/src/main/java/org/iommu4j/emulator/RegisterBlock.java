package org.iommu4j.emulator;

/**
 * Some registers that belong together. Registers are read and written in words of 32 bits; a
 * register of 64 bits is two of them, the lower first. The calls come one at a time.
 */
interface RegisterBlock {

    /**
     * Reads a word.
     *
     * @param offset its offset in the unit's registers
     */
    int read(int offset);

    /**
     * Writes a word.
     *
     * @param offset its offset in the unit's registers
     * @param value what is written
     */
    void write(int offset, int value);

    /** {@return one half of a 64-bit value, as the word at an offset} */
    static int half(int offset, long value) {
        return (int) (value >>> (offset & 4) * 8);
    }

    /** {@return a 64-bit value with one half replaced by the word at an offset} */
    static long withHalf(int offset, long value, int half) {
        int shift = (offset & 4) * 8;
        return value & ~(0xffff_ffffL << shift) | Integer.toUnsignedLong(half) << shift;
    }
}
