package org.iommu4j.cli;

/**
 * Reads when an event was logged: the number before the colon before the event's name. Only asked
 * for a part of the events of a trace, and so apart from what reads every one. Not for use by
 * several threads.
 */
final class TraceTime {
    /** Of a line that does not say, or not in seconds, as with the clock {@code counter}. */
    static final long UNKNOWN = -1;

    private static final int DIGITS = 9;
    private static final long MOST_SECONDS = 1L << 33;

    private final EventPrefix prefix = new EventPrefix();

    /** Nanoseconds by the trace's clock, or {@link #UNKNOWN}. */
    long nanos(byte[] bytes, int start, int end) {
        int name = prefix.read(bytes, start, end);
        if (name < 0) {
            return UNKNOWN;
        }
        int last = name - 1;
        while (last > start && (bytes[last] == ' ' || bytes[last] == ':')) {
            last--;
        }
        int first = last;
        while (first > start && (isDigit(bytes[first - 1]) || bytes[first - 1] == '.')) {
            first--;
        }
        return nanosIn(bytes, first, last + 1);
    }

    private static long nanosIn(byte[] bytes, int from, int to) {
        long seconds = 0;
        int at = from;
        while (at < to && isDigit(bytes[at])) {
            seconds = seconds * 10 + bytes[at++] - '0';
            if (seconds > MOST_SECONDS) {
                return UNKNOWN;
            }
        }
        if (at == to || bytes[at++] != '.') {
            return UNKNOWN;
        }
        long fraction = 0;
        for (int digit = 0; digit < DIGITS; digit++) {
            fraction = fraction * 10 + (at < to && isDigit(bytes[at]) ? bytes[at++] - '0' : 0);
        }
        return seconds * 1_000_000_000 + fraction;
    }

    private static boolean isDigit(byte character) {
        return character >= '0' && character <= '9';
    }
}
