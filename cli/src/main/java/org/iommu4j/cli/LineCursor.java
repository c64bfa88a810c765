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

    private byte[] bytes = {'\n'};
    private int at;

    void moveTo(byte[] line, int position) {
        bytes = line;
        at = position;
    }

    int position() {
        return at;
    }

    byte current() {
        return bytes[at];
    }

    /** Moves behind the word if it stands here. */
    boolean accept(byte[] word) {
        // Compared from the front, so that the line feed at a line's end stops the comparison
        // inside the line.
        for (int i = 0; i < word.length; i++) {
            if (bytes[at + i] != word[i]) {
                return false;
            }
        }
        at += word.length;
        return true;
    }

    /**
     * Moves behind the next place where the word stands; does not move if there is none in this
     * line.
     */
    boolean find(byte[] word) {
        int start = at;
        while (bytes[at] != '\n') {
            if (accept(word)) {
                return true;
            }
            at++;
        }
        at = start;
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

    /** The decimal number here, at least one digit, or -1 if there is none below 2^63. */
    long decimal() {
        int start = at;
        long value = 0;
        int digit = bytes[at] - '0';
        while (digit >= 0 && digit <= 9) {
            if (value > (Long.MAX_VALUE - digit) / 10) {
                return -1;
            }
            value = value * 10 + digit;
            digit = bytes[++at] - '0';
        }
        return at == start ? -1 : value;
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
