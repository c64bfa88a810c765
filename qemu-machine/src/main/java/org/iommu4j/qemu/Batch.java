package org.iommu4j.qemu;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Commands of the qtest protocol, in order, to be sent in one go. Numbers are unsigned. For one
 * thread.
 */
final class Batch {

    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int LONGEST_COMMAND = 64;

    private byte[] text = new byte[512];
    private int length;
    private int commands;

    /** Writes an 8-bit register. */
    Batch write8(long address, int value) {
        return add("writeb", address, value & 0xff);
    }

    /** Writes a 16-bit register. */
    Batch write16(long address, int value) {
        return add("writew", address, value & 0xffff);
    }

    /** Writes a 32-bit register. */
    Batch write32(long address, int value) {
        return add("writel", address, Integer.toUnsignedLong(value));
    }

    /** Writes a 64-bit register. */
    Batch write64(long address, long value) {
        return add("writeq", address, value);
    }

    /** Reads a 32-bit register. */
    Batch read32(long address) {
        return add("readl", address);
    }

    /** Reads a 64-bit register. */
    Batch read64(long address) {
        return add("readq", address);
    }

    /** Writes a 32-bit I/O port. */
    Batch out32(int port, int value) {
        return add("outl", port, Integer.toUnsignedLong(value));
    }

    /** Reads a 32-bit I/O port. */
    Batch in32(int port) {
        return add("inl", port);
    }

    /** {@return how many commands there are, each of which is answered by a line} */
    int commands() {
        return commands;
    }

    /** {@return the text to send} */
    ByteBuffer bytes() {
        return ByteBuffer.wrap(text, 0, length);
    }

    /** {@return the commands, the first few of many} */
    @Override
    public String toString() {
        String all = new String(text, 0, length, StandardCharsets.US_ASCII).strip();
        return all.lines().limit(4).reduce((a, b) -> a + "; " + b).orElse("nothing")
                + (commands > 4 ? "; and " + (commands - 4) + " more" : "");
    }

    private Batch add(String name, long number) {
        begin(name);
        append(number);
        return end();
    }

    private Batch add(String name, long address, long value) {
        begin(name);
        append(address);
        append(value);
        return end();
    }

    private void begin(String name) {
        if (length + LONGEST_COMMAND > text.length) {
            text = Arrays.copyOf(text, 2 * text.length);
        }
        for (int i = 0; i < name.length(); i++) {
            text[length++] = (byte) name.charAt(i);
        }
    }

    private void append(long number) {
        text[length++] = ' ';
        text[length++] = '0';
        text[length++] = 'x';
        int digits = Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(number) + 3) / 4);
        for (int i = digits - 1; i >= 0; i--) {
            text[length++] = DIGITS[(int) (number >>> 4 * i) & 0xf];
        }
    }

    private Batch end() {
        text[length++] = '\n';
        commands++;
        return this;
    }
}
