package org.iommu4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One row of the table: an operation, how it is measured, and what it is held against. Immutable.
 *
 * @param operation what a reader calls it
 * @param benchmark the JMH method that does it, as {@code Class.method}
 * @param parameters of the JMH class
 * @param calls how often one call of the method does it
 * @param threads how many threads do it at once
 * @param peer nanoseconds that Linux takes on the peers' machine
 * @param budget how long it may take
 * @param lengthy true if a short run leaves it out
 */
record Row(
        String operation,
        String benchmark,
        Map<String, String> parameters,
        int calls,
        int threads,
        OptionalDouble peer,
        Optional<Budget> budget,
        boolean lengthy) {

    /** The parameter that says how many emptied tables may stay linked. */
    static final String EMPTY_TABLES = "emptyTables";

    static Row of(String operation, String benchmark, int calls) {
        return new Row(
                operation,
                benchmark,
                Map.of(),
                calls,
                1,
                OptionalDouble.empty(),
                Optional.empty(),
                false);
    }

    Row with(String parameter, Enum<?> value) {
        return with(parameter, value.name());
    }

    Row emptyTables(int count) {
        return with(EMPTY_TABLES, Integer.toString(count));
    }

    /** How many emptied tables may stay linked; empty if there are no tables. */
    Optional<String> emptyTables() {
        return Optional.ofNullable(parameters.get(EMPTY_TABLES));
    }

    private Row with(String parameter, String value) {
        Map<String, String> more = new LinkedHashMap<>(parameters);
        more.put(parameter, value);
        return new Row(operation, benchmark, more, calls, threads, peer, budget, lengthy);
    }

    Row threads(int count) {
        return new Row(operation, benchmark, parameters, calls, count, peer, budget, lengthy);
    }

    Row peer(double nanos) {
        OptionalDouble figure = OptionalDouble.of(nanos);
        return new Row(operation, benchmark, parameters, calls, threads, figure, budget, lengthy);
    }

    Row within(double limit, String of) {
        Optional<Budget> kept = Optional.of(new Budget(limit, of));
        return new Row(operation, benchmark, parameters, calls, threads, peer, kept, lengthy);
    }

    /** The same, but not in a short run. */
    Row onlyInFull() {
        return new Row(operation, benchmark, parameters, calls, threads, peer, budget, true);
    }
}
