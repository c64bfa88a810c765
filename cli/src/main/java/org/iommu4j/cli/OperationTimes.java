package org.iommu4j.cli;

import java.util.EnumMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * How long the operations of the tables under test take. Of each kind one in {@value #EACH} is
 * measured, because to ask for the time takes about as long as an operation; without a report none
 * is. For one thread.
 */
class OperationTimes {
    /** What is measured. */
    enum Operation {
        MAP,
        UNMAP,
        /** What follows an unmap: the policy is given the gather. */
        SYNC
    }

    /** Measures nothing. */
    static final OperationTimes NONE = new OperationTimes();

    private static final int EACH = 16;

    private OperationTimes() {}

    /** When an operation begins that is measured; 0 if this one is not. */
    long begin(Operation operation) {
        return 0;
    }

    /** An operation that began then is done. */
    void end(Operation operation, long began) {}

    /** What was measured of an operation, in nanoseconds. */
    Histogram of(Operation operation) {
        return new Histogram(1);
    }

    /** Measures one in {@value #EACH}. */
    static OperationTimes sampled() {
        return new Sampled();
    }

    private static final class Sampled extends OperationTimes {
        private static final long LONGEST_NANOS = 60_000_000_000L;

        private final Map<Operation, Histogram> times = new EnumMap<>(Operation.class);
        private final int[] untilNext = new int[Operation.values().length];

        Sampled() {
            for (Operation operation : Operation.values()) {
                times.put(operation, new Histogram(LONGEST_NANOS, 3));
            }
        }

        @Override
        long begin(Operation operation) {
            if (--untilNext[operation.ordinal()] >= 0) {
                return 0;
            }
            untilNext[operation.ordinal()] = EACH - 1;
            return System.nanoTime();
        }

        @Override
        void end(Operation operation, long began) {
            if (began != 0) {
                of(operation).recordValue(Math.min(System.nanoTime() - began, LONGEST_NANOS));
            }
        }

        @Override
        Histogram of(Operation operation) {
            return times.getOrDefault(operation, super.of(operation));
        }
    }
}
