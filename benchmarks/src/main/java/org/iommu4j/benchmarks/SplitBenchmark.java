package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.HUGE;
import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.LARGE;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Replaces large leaves by tables; what makes them leaves again is not measured. */
@State(Scope.Thread)
public class SplitBenchmark extends TableSettings {

    static final int CALLS = 16;

    /** What a leaf becomes. */
    public enum Cut {
        /** 512 leaves. */
        SPLIT_2M(LARGE, PAGE),
        /** 512 leaves. */
        SPLIT_1G(HUGE, LARGE),
        /** 511 leaves and a hole. */
        PUNCH_2M(LARGE, 0),
        /** 511 leaves and a table with 511 leaves and a hole. */
        PUNCH_1G(HUGE, 0);

        private final long leaf;
        private final long pageSize;

        Cut(long leaf, long pageSize) {
            this.leaf = leaf;
            this.pageSize = pageSize;
        }
    }

    /** What is measured. */
    @Param public Cut cut = Cut.SPLIT_2M;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    /** Makes the domain. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options());
    }

    /** Makes leaves again of what was split. */
    @Setup(Level.Invocation)
    public void restore() {
        for (int i = 0; i < CALLS; i++) {
            domain.unmap(IOVA + i * cut.leaf, cut.leaf);
            domain.map(IOVA + i * cut.leaf, cut.leaf);
        }
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** Splits each leaf. */
    @Benchmark
    public void split() {
        for (int i = 0; i < CALLS; i++) {
            domain.split(IOVA + i * cut.leaf, cut.leaf, cut.pageSize);
        }
    }

    /** Unmaps one page of 4 KiB out of each leaf. */
    @Benchmark
    public void punch() {
        for (int i = 0; i < CALLS; i++) {
            domain.unmap(IOVA + i * cut.leaf + 3 * PAGE, PAGE);
        }
    }
}
