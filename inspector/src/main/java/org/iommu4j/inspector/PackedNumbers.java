package org.iommu4j.inspector;

import java.io.ByteArrayOutputStream;

/** Numbers in as few bytes as they need, seven bits in each: how data goes into a page. */
final class PackedNumbers {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** Appends a number that is not negative. */
    void put(long value) {
        long rest = value;
        while (rest > 127) {
            bytes.write((int) (rest & 127 | 128));
            rest >>>= 7;
        }
        bytes.write((int) rest);
    }

    /** Appends a number of either sign. */
    void putSigned(long value) {
        put(value < 0 ? -value * 2 - 1 : value * 2);
    }

    void append(PackedNumbers more) {
        bytes.writeBytes(more.bytes.toByteArray());
    }

    byte[] toByteArray() {
        return bytes.toByteArray();
    }
}
