package org.iommu4j.benchmarks;

import org.iommu4j.api.DomainOptions;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.ThreadParams;

/** Threads with the traffic of a driver each, and threads that only count. */
public class ThreadsBenchmark {

    static final int PAIRS = 4096;

    /** What the threads share. */
    public enum Sharing {
        /** One domain, in which each has a window of its own. */
        DISJOINT_RANGES,
        /** One unit, of which each has a domain. */
        TWO_DOMAINS
    }

    /** What the threads share. */
    @State(Scope.Benchmark)
    public static class Shared {

        /** What is measured. */
        @Param public Sharing sharing = Sharing.DISJOINT_RANGES;

        /** As of {@link TableSettings}. */
        @Param("64")
        public int emptyTables;

        @SuppressWarnings("NullAway.Init") // JMH calls open() first
        private BusyDomain domain;

        /** Makes the unit and the first domain. */
        @Setup(Level.Trial)
        public void open() {
            domain = BusyDomain.coherent(options());
        }

        private DomainOptions options() {
            return DomainOptions.defaults().withEmptyTables(emptyTables);
        }

        /** Closes them. */
        @TearDown(Level.Trial)
        public void close() {
            domain.close();
        }
    }

    /** One thread's traffic. */
    @State(Scope.Thread)
    public static class Worker extends Allocation {

        /** The size of its window. */
        @Param public Window window = Window.OF_64M;

        @SuppressWarnings("NullAway.Init") // JMH calls open() first
        private Traffic traffic;

        /** Finds its place. */
        @Setup(Level.Trial)
        public void open(Shared shared, ThreadParams thread) {
            int index = thread.getThreadIndex();
            BusyDomain domain =
                    shared.sharing == Sharing.TWO_DOMAINS
                            ? shared.domain.sibling(shared.options())
                            : shared.domain.forAnotherThread();
            long iova = BusyDomain.IOVA + index * window.bytes();
            traffic = new Traffic(domain, iova, window.bytes(), 1 + index);
        }
    }

    /** Maps and unmaps. */
    @Benchmark
    public void pairs(Worker worker, Shared shared) {
        worker.traffic.run(PAIRS);
    }

    /** A generator of random numbers, as long as one is needed. */
    @State(Scope.Thread)
    public static class Arithmetic extends Allocation {
        private final SplitMix random = new SplitMix(1);
    }

    /** Computes, without any memory. */
    @Benchmark
    public long arithmetic(Arithmetic worker) {
        long sum = 0;
        for (int i = 0; i < PAIRS; i++) {
            sum += worker.random.next();
        }
        return sum;
    }
}
