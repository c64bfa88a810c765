package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A table for people in which several runs stand side by side.
 *
 * @param <R> what is known of a run
 */
final class Columns<R> {
    private static final double MICROSECOND = 1e3;
    private static final double MILLISECOND = 1e6;

    private final PrintStream out;
    private final List<R> runs;

    /**
     * Begins a table.
     *
     * @param out where it is printed
     * @param runs the columns
     */
    Columns(PrintStream out, List<R> runs) {
        this.out = out;
        this.runs = runs;
    }

    /** Prints a row with a value of each run. */
    void row(String name, Function<R, String> value) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-18s", name));
        for (R run : runs) {
            line.append(String.format(Locale.ROOT, "%20s", value.apply(run)));
        }
        out.println(line);
    }

    /** Prints a row with a number of each run. */
    void numbers(String name, ToLongFunction<R> value) {
        row(name, run -> number(value.applyAsLong(run)));
    }

    /** Prints a line of words. */
    void line(String name, String value) {
        out.println(String.format(Locale.ROOT, "%-18s", name) + value);
    }

    /** Prints an empty line. */
    void gap() {
        out.println();
    }

    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    static String time(long nanos) {
        if (nanos < MICROSECOND) {
            return nanos + " ns";
        }
        return nanos < MILLISECOND
                ? String.format(Locale.ROOT, "%.1f us", nanos / MICROSECOND)
                : String.format(Locale.ROOT, "%.1f ms", nanos / MILLISECOND);
    }
}
