package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Says of a range that no span of a set touches it, or that one may: a bit for each 2 MiB of I/O
 * virtual addresses, modulo 8 GiB.
 *
 * <p>One thread at a time changes it, under its owner's lock; any thread may ask.
 */
final class SpanFilter {

    private static final int UNIT_SHIFT = 21;
    private static final int UNITS = 1 << 12;

    private final AtomicLongArray bits = new AtomicLongArray(UNITS / Long.SIZE);
    /* A bit for each word that is not zero. */
    private long used;

    void add(long start, long end) {
        long unit = start >>> UNIT_SHIFT;
        for (long left = units(start, end); left > 0; ) {
            int word = word(unit);
            bits.setRelease(word, bits.getPlain(word) | mask(unit, left));
            used |= 1L << word;
            left -= inWord(unit);
            unit += inWord(unit);
        }
    }

    void clear() {
        for (; used != 0; used &= used - 1) {
            bits.setPlain(Long.numberOfTrailingZeros(used), 0);
        }
    }

    boolean mayTouch(long start, long end) {
        long unit = start >>> UNIT_SHIFT;
        for (long left = units(start, end); left > 0; ) {
            if ((bits.getAcquire(word(unit)) & mask(unit, left)) != 0) {
                return true;
            }
            left -= inWord(unit);
            unit += inWord(unit);
        }
        return false;
    }

    private static long units(long start, long end) {
        return Math.min(UNITS, ((end - 1) >>> UNIT_SHIFT) - (start >>> UNIT_SHIFT) + 1);
    }

    private static int word(long unit) {
        return (int) (unit & UNITS - 1) / Long.SIZE;
    }

    /** How many units there are from one on to the end of its word. */
    private static long inWord(long unit) {
        return Long.SIZE - (unit & Long.SIZE - 1);
    }

    /** The bits of some units from one on, as far as they stand in its word. */
    private static long mask(long unit, long count) {
        return (count >= Long.SIZE ? -1L : (1L << count) - 1) << unit;
    }
}
