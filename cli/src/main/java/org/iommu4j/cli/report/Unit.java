package org.iommu4j.cli.report;

import java.util.Locale;

/** What a number counts, and so how it is written on an axis, in a tooltip and in a table. */
public enum Unit {
    /** Things; large numbers with SI prefixes. */
    COUNT,
    /** Bytes; large numbers with binary prefixes. */
    BYTES,
    /** Things a second. */
    COUNT_PER_SECOND,
    /** Bytes a second. */
    BYTES_PER_SECOND,
    /** Nanoseconds, written as ns, µs, ms or s. */
    NANOSECONDS,
    /** Seconds. */
    SECONDS;

    /** How the page's scripts know it: {@code bytes-per-second}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
