package org.iommu4j.inspector;

/** How numbers are written. */
final class Hex {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private Hex() {}

    /** {@code 0x1ade000}. */
    static String of(long value) {
        return "0x" + Long.toHexString(value);
    }

    /** {@code 0x1000-0x2000}: from the first byte to the one after the last. */
    static String range(long start, long end) {
        return of(start) + "-" + of(end);
    }

    /** {@code 2 MiB}: with the largest unit that gives a whole number. */
    static String bytes(long count) {
        int unit = 0;
        long rest = count;
        while (unit < UNITS.length - 1 && rest != 0 && (rest & 1023) == 0) {
            rest >>>= 10;
            unit++;
        }
        return rest + " " + UNITS[unit];
    }
}
