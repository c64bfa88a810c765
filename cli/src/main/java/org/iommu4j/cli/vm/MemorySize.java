package org.iommu4j.cli.vm;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How amounts of memory are written: {@code 512m}, {@code 1g}, {@code 1t}. */
public final class MemorySize {
    private static final String UNITS = "kmgt";
    private static final int STEP = 10;
    private static final Pattern WRITTEN = Pattern.compile("([0-9]{1,15})([" + UNITS + "]?)");

    private MemorySize() {}

    /**
     * Reads an amount.
     *
     * @param text a number, and k, m, g or t for KiB, MiB, GiB or TiB
     * @return the amount in bytes
     * @throws IllegalArgumentException if it is none, or more than 2^62
     */
    public static long parse(String text) {
        Matcher written = WRITTEN.matcher(text.toLowerCase(Locale.ROOT));
        if (!written.matches()) {
            throw illegal(text);
        }
        long number = Long.parseLong(written.group(1));
        int shift = written.group(2).isEmpty() ? 0 : STEP * (UNITS.indexOf(written.group(2)) + 1);
        if (number > 1L << Long.SIZE - 2 - shift) {
            throw illegal(text);
        }
        return number << shift;
    }

    /**
     * Writes an amount as users do.
     *
     * @param bytes the amount; not negative
     * @return the number, with the largest unit that leaves no fraction
     */
    public static String text(long bytes) {
        for (int unit = UNITS.length(); bytes != 0 && unit > 0; unit--) {
            int shift = STEP * unit;
            if (Long.numberOfTrailingZeros(bytes) >= shift) {
                return (bytes >> shift) + String.valueOf(UNITS.charAt(unit - 1));
            }
        }
        return Long.toString(bytes);
    }

    private static IllegalArgumentException illegal(String text) {
        return new IllegalArgumentException(
                "\"" + text + "\" is no amount of memory; 512m, 1g and 1t are");
    }
}
