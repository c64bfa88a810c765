package org.iommu4j.cli;

import java.util.Arrays;

/**
 * A place in a line of bytes and the few things a trace is made of: fixed words, hexadecimal and
 * decimal numbers, spaces. Nothing it accepts is a line feed, which every line ends with, so it
 * cannot leave the line.
 */
final class LineCursor {
    private static final byte NOT_A_DIGIT = -1;
    private static final byte[] DIGITS = digits();
    private static final int LONGEST_DECIMAL = 18;

    private byte[] bytes = new byte[Bytes.PADDING];
    private int at;
    private int end;

    /** Goes to a place in a line that ends, with a line feed, at an index. */
    void moveTo(byte[] line, int position, int lineEnd) {
        bytes = line;
        at = position;
        end = lineEnd;
    }

    byte current() {
        return bytes[at];
    }

    /** Moves behind the word if it stands here. */
    boolean accept(Word word) {
        if (!word.isAt(bytes, at)) {
            return false;
        }
        at += word.length();
        return true;
    }

    /**
     * Moves behind the next place where the word stands; does not move if there is none in this
     * line.
     */
    boolean find(Word word) {
        int found = Bytes.indexOf(bytes, at, end, word.first());
        while (found >= 0) {
            if (word.isAt(bytes, found)) {
                at = found + word.length();
                return true;
            }
            found = Bytes.indexOf(bytes, found + 1, end, word.first());
        }
        return false;
    }

    void skipSpaces() {
        while (bytes[at] == ' ' || bytes[at] == '\t') {
            at++;
        }
    }

    /**
     * Copies what stands before the next space, as far as there is room, moves behind it and
     * returns its length.
     */
    int word(byte[] into) {
        int length = 0;
        while (bytes[at] > ' ' && length < into.length) {
            into[length++] = bytes[at++];
        }
        return length;
    }

    /** Whether nothing but white space is left, which is skipped. */
    boolean atLineEnd() {
        skipSpaces();
        while (bytes[at] == '\r') {
            at++;
        }
        return bytes[at] == '\n';
    }

    /** The hexadecimal number here, at least one digit, or -1 if there is none below 2^63. */
    long hexadecimal() {
        long high = Bytes.load(bytes, at);
        long low = Bytes.load(bytes, at + Long.BYTES);
        if (Bytes.areHexadecimal(high) && Bytes.areHexadecimal(low)) {
            return sixteenDigits(Bytes.hexadecimal(high), Bytes.hexadecimal(low));
        }
        int start = at;
        long value = 0;
        int digit = DIGITS[bytes[at] & 0xff];
        while (digit >= 0) {
            if (value >>> 59 != 0) {
                return -1;
            }
            value = value << 4 | digit;
            digit = DIGITS[bytes[++at] & 0xff];
        }
        return at == start ? -1 : value;
    }

    /** What kernels print for an address, always. */
    private long sixteenDigits(long high, long low) {
        at += 2 * Long.BYTES;
        return high >>> 31 != 0 || DIGITS[bytes[at] & 0xff] >= 0 ? -1 : high << 32 | low;
    }

    /** The decimal number here, at least one digit, or -1 if there is none of up to 18 digits. */
    long decimal() {
        int start = at;
        long value = 0;
        int digit = bytes[at] - '0';
        while (digit >= 0 && digit <= 9) {
            value = value * 10 + digit;
            digit = bytes[++at] - '0';
        }
        return at == start || at - start > LONGEST_DECIMAL ? -1 : value;
    }

    private static byte[] digits() {
        byte[] digits = new byte[256];
        Arrays.fill(digits, NOT_A_DIGIT);
        for (int i = 0; i < 10; i++) {
            digits['0' + i] = (byte) i;
        }
        for (int i = 0; i < 6; i++) {
            digits['a' + i] = (byte) (10 + i);
            digits['A' + i] = (byte) (10 + i);
        }
        return digits;
    }
}
