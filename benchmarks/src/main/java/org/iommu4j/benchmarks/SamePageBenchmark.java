package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Maps and unmaps one page again and again. */
@State(Scope.Thread)
public class SamePageBenchmark extends TableSettings {

    static final int PAIRS = 128;

    /** What becomes of the page's table between unmap and map. */
    public enum Company {
        /** Another page is mapped in it. */
        NEIGHBOUR,
        /** It is empty: it goes, unless emptied tables may stay linked. */
        LONE
    }

    /** What is measured. */
    @Param public Company company = Company.NEIGHBOUR;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    /** Makes the domain. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options());
        if (company == Company.NEIGHBOUR) {
            domain.map(IOVA + PAGE, PAGE);
        }
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** Maps the page and unmaps it. */
    @Benchmark
    public void pairs() {
        for (int i = 0; i < PAIRS; i++) {
            domain.map(IOVA, PAGE);
            domain.unmap(IOVA, PAGE);
        }
    }
}
