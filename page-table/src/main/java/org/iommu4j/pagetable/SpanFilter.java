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

    void add(long start, long end) {
        long units = units(start, end);
        long unit = start >>> UNIT_SHIFT;
        for (long i = 0; i < units; i++, unit++) {
            int word = word(unit);
            bits.setRelease(word, bits.getPlain(word) | 1L << unit);
        }
    }

    void clear() {
        for (int i = 0; i < bits.length(); i++) {
            bits.setPlain(i, 0);
        }
    }

    boolean mayTouch(long start, long end) {
        long units = units(start, end);
        long unit = start >>> UNIT_SHIFT;
        for (long i = 0; i < units; i++, unit++) {
            if ((bits.getAcquire(word(unit)) & 1L << unit) != 0) {
                return true;
            }
        }
        return false;
    }

    private static long units(long start, long end) {
        return Math.min(UNITS, ((end - 1) >>> UNIT_SHIFT) - (start >>> UNIT_SHIFT) + 1);
    }

    private static int word(long unit) {
        return (int) (unit & UNITS - 1) / Long.SIZE;
    }
}
