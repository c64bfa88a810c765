package org.iommu4j.machine;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/*
 * How the loops look was measured (docs/performance.md). A long one adds constants from an array, which the compiler makes
 * vector instructions of; a short one is quicker without. Compiled into its callers, the long one may take ten times as
 * long, since the compiler gives up on the loops of a large method. So it is called through a handle that is no constant,
 * which the compiler cannot see through.
 */

/** Fills, counts, searches and clears neighbouring words, for {@link PhysicalMemory}. */
final class WordRuns {

    private static final int SHORT = 32;
    private static final int TOGETHER = 8;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final long[] NONE = new long[WORDS];
    private static final long[][] MULTIPLES = multiples();

    @SuppressWarnings("FieldMayBeFinal") // see above
    private static MethodHandle fillMany = fillMany();

    private WordRuns() {}

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
                Words.WORD.set(Words.EVERYTHING, Words.place(place + (long) i * Long.BYTES), value);
            }
        } else {
            fillApart(place, first, multiplesOf(step), count);
        }
    }

    /** How many words of one page, from a place on, have any of some bits. */
    static int countAny(long place, long bits, int count) {
        long found = 0;
        for (int i = 0; i < count; i++) {
            long word =
                    (long) Words.WORD.get(Words.EVERYTHING, place + (long) i * Long.BYTES) & bits;
            found += (word | -word) >>> Long.SIZE - 1;
        }
        return (int) found;
    }

    /** How many words of one page, from a place on, come before one that has any of some bits. */
    static int findAny(long place, long bits, int count) {
        int i = 0;
        while (i + TOGETHER <= count && (anyOfEight(place + (long) i * Long.BYTES) & bits) == 0) {
            i += TOGETHER;
        }
        while (i < count && (word(place, i) & bits) == 0) {
            i++;
        }
        return i;
    }

    private static long anyOfEight(long place) {
        return word(place, 0)
                | word(place, 1)
                | word(place, 2)
                | word(place, 3)
                | word(place, 4)
                | word(place, 5)
                | word(place, 6)
                | word(place, 7);
    }

    private static long word(long place, int index) {
        return (long)
                Words.WORD.get(Words.EVERYTHING, Words.place(place + (long) index * Long.BYTES));
    }

    /** Clears bits of words of one page, from a place on, up to one that has none of them. */
    static int clearRun(long place, long bits, int count) {
        int i = 0;
        while (i < count && clear(place + (long) i * Long.BYTES, bits)) {
            i++;
        }
        return i;
    }

    private static boolean clear(long place, long bits) {
        long expected = word(place, 0);
        while ((expected & bits) != 0) {
            long found =
                    (long)
                            Words.WORD.compareAndExchange(
                                    Words.EVERYTHING,
                                    Words.place(place),
                                    expected,
                                    expected & ~bits);
            if (found == expected) {
                return true;
            }
            expected = found;
        }
        return false;
    }

    /** The same as {@link #fill}, each store seen by the memory's observer. */
    static void fillObserved(
            PhysicalMemory memory, long address, long first, long step, int count) {
        for (int i = 0; i < count; i++) {
            memory.storePlain(address + (long) i * Long.BYTES, first + i * step);
        }
    }

    /** The same as {@link #countAny}, each load seen by the memory's observer. */
    static int countAnyObserved(PhysicalMemory memory, long address, long bits, int count) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            found += (memory.loadPlain(address + (long) i * Long.BYTES) & bits) != 0 ? 1 : 0;
        }
        return found;
    }

    /** The same as {@link #findAny}, each load seen by the memory's observer. */
    static int findAnyObserved(PhysicalMemory memory, long address, long bits, int count) {
        int i = 0;
        while (i < count && (memory.loadPlain(address + (long) i * Long.BYTES) & bits) == 0) {
            i++;
        }
        return i;
    }

    /** The same as {@link #clearRun}, each access seen by the memory's observer. */
    static int clearRunObserved(PhysicalMemory memory, long address, long bits, int count) {
        int i = 0;
        while (i < count && clearObserved(memory, address + (long) i * Long.BYTES, bits)) {
            i++;
        }
        return i;
    }

    private static boolean clearObserved(PhysicalMemory memory, long address, long bits) {
        long expected = memory.loadPlain(address);
        while ((expected & bits) != 0) {
            long found = memory.compareAndExchange(address, expected, expected & ~bits);
            if (found == expected) {
                return true;
            }
            expected = found;
        }
        return false;
    }

    private static void fillApart(long place, long first, long[] multiples, int count) {
        try {
            fillMany.invokeExact(place, first, multiples, count);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @SuppressWarnings("UnusedMethod") // the handle finds it by its name
    private static void fillMany(long place, long first, long[] multiples, int count) {
        for (int i = 0; i < count; i++) {
            Words.WORD.set(Words.EVERYTHING, place + (long) i * Long.BYTES, first + multiples[i]);
        }
    }

    private static MethodHandle fillMany() {
        try {
            return MethodHandles.lookup()
                    .findStatic(
                            WordRuns.class,
                            "fillMany",
                            MethodType.methodType(
                                    void.class, long.class, long.class, long[].class, int.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
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
