package org.iommu4j.conformance.backend;

/** How addresses are written. */
final class Hex {

    private Hex() {}

    static String of(long value) {
        return "0x" + Long.toHexString(value);
    }

    /** A range from its first byte, and its size. */
    static String range(long start, long size) {
        return "[" + of(start) + ", " + of(start + size) + ")";
    }
}
