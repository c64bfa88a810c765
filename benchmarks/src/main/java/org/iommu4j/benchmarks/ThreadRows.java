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
        mixes(Window.OF_64M, "mix in 64 MiB", Rows.USUAL).forEach(rows::add);
        mixes(Window.OF_4G, "mix in 4 GiB", Rows.USUAL).forEach(rows::add);
        mixes(Window.OF_4G, "mix in 4 GiB, tables stay", Rows.ALL_STAY)
                .forEach(row -> rows.add(row.onlyInFull()));
    }

    /** Whether a row is one of these and works on tables. */
    static boolean isMix(Row row) {
        return row.benchmark().equals(MIX);
    }

    private static List<Row> mixes(Window window, String mix, int emptyTables) {
        String domains = mix + ", two threads, a domain each";
        return List.of(
                mix(mix + ", one thread of two", window, Sharing.DISJOINT_RANGES, emptyTables),
                mix(domains, window, Sharing.TWO_DOMAINS, emptyTables).threads(2),
                mix(mix + ", two threads, one domain", window, Sharing.DISJOINT_RANGES, emptyTables)
                        .threads(2)
                        .within(1 / SHARED, domains));
    }

    private static Row mix(String operation, Window window, Sharing sharing, int emptyTables) {
        return Row.of(operation, MIX, ThreadsBenchmark.PAIRS)
                .with("window", window)
                .with("sharing", sharing)
                .emptyTables(emptyTables);
    }

    private static Row arithmetic(String operation) {
        return Row.of(operation, "ThreadsBenchmark.arithmetic", ThreadsBenchmark.PAIRS);
    }
}
