package org.iommu4j.benchmarks;

import java.util.List;
import org.iommu4j.benchmarks.ThreadsBenchmark.Sharing;

/** The rows of two threads at once, each beside the same of one thread. */
final class ThreadRows {

    /** Two threads that share nothing at all: what the processors can give at most. */
    static final String ARITHMETIC_OF_TWO = "arithmetic, two threads";

    /** How much more two threads on one domain are to do than one ... */
    static final double SPEED_UP = 1.7;

    /** ... where arithmetic does that much more: else the processors are not free. */
    static final double SPEED_UP_OF_ARITHMETIC = 1.9;

    /** How much two threads on one domain are to do of what two on a domain each do. */
    private static final double SHARED = 0.95;

    private static final String MIX = "ThreadsBenchmark.pairs";

    private ThreadRows() {}

    static void addTo(List<Row> rows) {
        rows.add(arithmetic("arithmetic, one thread"));
        rows.add(arithmetic(ARITHMETIC_OF_TWO).threads(2));
        addMixes(rows, Window.OF_64M, "mix in 64 MiB");
        addMixes(rows, Window.OF_4G, "mix in 4 GiB");
    }

    /** Whether a row is one of these and works on tables. */
    static boolean isMix(Row row) {
        return row.benchmark().equals(MIX);
    }

    private static void addMixes(List<Row> rows, Window window, String mix) {
        String domains = mix + ", two threads, a domain each";
        rows.add(mix(mix + ", one thread of two", window, Sharing.DISJOINT_RANGES));
        rows.add(mix(domains, window, Sharing.TWO_DOMAINS).threads(2));
        rows.add(
                mix(mix + ", two threads, one domain", window, Sharing.DISJOINT_RANGES)
                        .threads(2)
                        .within(1 / SHARED, domains));
    }

    private static Row mix(String operation, Window window, Sharing sharing) {
        return Row.of(operation, MIX, ThreadsBenchmark.PAIRS)
                .with("window", window)
                .with("sharing", sharing)
                .emptyTables(Rows.USUAL);
    }

    private static Row arithmetic(String operation) {
        return Row.of(operation, "ThreadsBenchmark.arithmetic", ThreadsBenchmark.PAIRS);
    }
}
