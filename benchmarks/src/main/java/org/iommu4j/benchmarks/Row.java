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
 */
record Row(
        String operation,
        String benchmark,
        Map<String, String> parameters,
        int calls,
        int threads,
        OptionalDouble peer,
        Optional<Budget> budget) {

    static Row of(String operation, String benchmark, int calls) {
        return new Row(
                operation, benchmark, Map.of(), calls, 1, OptionalDouble.empty(), Optional.empty());
    }

    Row with(String parameter, Enum<?> value) {
        Map<String, String> more = new LinkedHashMap<>(parameters);
        more.put(parameter, value.name());
        return new Row(operation, benchmark, more, calls, threads, peer, budget);
    }

    Row threads(int count) {
        return new Row(operation, benchmark, parameters, calls, count, peer, budget);
    }

    Row peer(double nanos) {
        return new Row(
                operation, benchmark, parameters, calls, threads, OptionalDouble.of(nanos), budget);
    }

    Row within(double ratio, String of) {
        return new Row(
                operation,
                benchmark,
                parameters,
                calls,
                threads,
                peer,
                Optional.of(new Budget(ratio, of)));
    }
}
