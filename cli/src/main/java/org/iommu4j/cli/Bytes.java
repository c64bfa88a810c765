package org.iommu4j.cli;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Work on eight characters at once, which is what makes reading a trace fast. The methods load up
 * to {@value #PADDING} bytes beyond the index they are given, so that arrays must be that much
 * longer than what they hold.
 */
final class Bytes {
    /** How far beyond its content an array must reach. */
    static final int PADDING = 16;

    private static final VarHandle WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final long NIBBLES = 0x0f0f0f0f0f0f0f0fL;

    private Bytes() {}

    /** Eight bytes from here, the first in the lowest bits. */
    static long load(byte[] bytes, int at) {
        return (long) WORDS.get(bytes, at);
    }

    /** Index of the first such byte in {@code [from, to)}, or -1. */
    static int indexOf(byte[] bytes, int from, int to, char sought) {
        long pattern = sought * ONES;
        for (int i = from; i < to; i += Long.BYTES) {
            long difference = load(bytes, i) ^ pattern;
            long zero = (difference - ONES) & ~difference & HIGH_BITS;
            if (zero != 0) {
                int found = i + (Long.numberOfTrailingZeros(zero) >>> 3);
                return found < to ? found : -1;
            }
        }
        return -1;
    }

    /** Whether eight characters all are digits or letters from a to f, in lower case. */
    static boolean areHexadecimal(long characters) {
        return (characters & HIGH_BITS) == 0
                && (between(characters, '0', '9') | letters(characters)) == HIGH_BITS;
    }

    /** The number that eight hexadecimal characters write, the first being the highest digit. */
    static long hexadecimal(long characters) {
        long digits = (characters & NIBBLES) + 9 * (letters(characters) >>> 7);
        long number = Long.reverseBytes(digits);
        number = (number | number >>> 4) & 0x00ff00ff00ff00ffL;
        number = (number | number >>> 8) & 0x0000ffff0000ffffL;
        return (number | number >>> 16) & 0xffffffffL;
    }

    private static long letters(long characters) {
        return between(characters, 'a', 'f');
    }

    /** The high bit of each byte that is in a range; all bytes must be below 128. */
    private static long between(long characters, char low, char high) {
        return (characters + (0x80 - low) * ONES)
                & ~(characters + (0x7f - high) * ONES)
                & HIGH_BITS;
    }
}
