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

/** Replaces tables of 512 leaves by one leaf; what splits those again is not measured. */
@State(Scope.Thread)
public class CoalesceBenchmark extends TableSettings {

    static final int CALLS = 16;

    /** What 512 leaves become. */
    public enum Leaf {
        /** Of pages of 4 KiB. */
        OF_2M(LARGE, PAGE),
        /** Of leaves of 2 MiB. */
        OF_1G(HUGE, LARGE);

        private final long size;
        private final long part;

        Leaf(long size, long part) {
            this.size = size;
            this.part = part;
        }
    }

    /** What is measured. */
    @Param public Leaf leaf = Leaf.OF_2M;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    /** Makes the domain. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options());
        domain.map(IOVA, CALLS * leaf.size);
    }

    /** Splits the leaves. */
    @Setup(Level.Invocation)
    public void split() {
        domain.split(IOVA, CALLS * leaf.size, leaf.part);
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** Merges the parts of each leaf; returns how many are merged away. */
    @Benchmark
    public long coalesce() {
        long merged = 0;
        for (int i = 0; i < CALLS; i++) {
            merged += domain.coalesce(IOVA + i * leaf.size, leaf.size);
        }
        return merged;
    }
}
