package org.iommu4j.machine;

/*
 * How the loops look was measured (docs/performance.md). A long one adds constants from an array, which the compiler makes
 * vector instructions of; it must not be compiled into its callers, where the compiler gives that up, so it stands in a
 * method of its own. A short one is quicker without.
 */

/** Stores neighbouring words with a constant difference, for {@link PhysicalMemory#fill}. */
final class BulkFill {

    private static final int SHORT = 32;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final long[] NONE = new long[WORDS];
    private static final long[][] MULTIPLES = multiples();

    private BulkFill() {}

    /**
     * Fills words of one page.
     *
     * @param place the address of the first in the process
     * @param count at most 512
     */
    static void fill(long place, long first, long step, int count) {
        if (count <= SHORT) {
            long value = first;
            for (int i = 0; i < count; i++, value += step) {
                PhysicalMemory.WORD.set(
                        PhysicalMemory.EVERYTHING,
                        PhysicalMemory.place(place + (long) i * Long.BYTES),
                        value);
            }
        } else {
            fillMany(place, first, multiplesOf(step), count);
        }
    }

    /** How many words of one page, from a place on, have any of some bits. */
    static int countAny(long place, long bits, int count) {
        long found = 0;
        for (int i = 0; i < count; i++) {
            long word =
                    (long)
                                    PhysicalMemory.WORD.get(
                                            PhysicalMemory.EVERYTHING,
                                            place + (long) i * Long.BYTES)
                            & bits;
            found += (word | -word) >>> Long.SIZE - 1;
        }
        return (int) found;
    }

    private static void fillMany(long place, long first, long[] multiples, int count) {
        for (int i = 0; i < count; i++) {
            PhysicalMemory.WORD.set(
                    PhysicalMemory.EVERYTHING, place + (long) i * Long.BYTES, first + multiples[i]);
        }
    }

    private static long[] multiplesOf(long step) {
        if (step == 0) {
            return NONE;
        }
        if (Long.bitCount(step) != 1) {
            throw new IllegalArgumentException(
                    "step 0x" + Long.toHexString(step) + "; 0 or a power of two is legal");
        }
        return MULTIPLES[Long.numberOfTrailingZeros(step)];
    }

    /** The first 512 multiples of each power of two. */
    private static long[][] multiples() {
        long[][] byShift = new long[Long.SIZE][WORDS];
        for (int shift = 0; shift < Long.SIZE; shift++) {
            for (int i = 0; i < WORDS; i++) {
                byShift[shift][i] = (long) i << shift;
            }
        }
        return byShift;
    }
}
