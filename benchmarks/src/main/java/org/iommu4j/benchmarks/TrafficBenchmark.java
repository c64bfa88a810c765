package org.iommu4j.benchmarks;

import org.iommu4j.api.DomainOptions;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One thread with the traffic of a driver. */
@State(Scope.Thread)
public class TrafficBenchmark {

    static final int PAIRS = 1 << 20;

    /** The size of the window. */
    @Param public Window window = Window.OF_64M;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private Traffic traffic;

    /** Makes the domain. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(DomainOptions.defaults());
        traffic = new Traffic(domain, BusyDomain.IOVA, window.bytes(), 1);
    }

    /** Begins the sequence again. */
    @Setup(Level.Invocation)
    public void reset() {
        traffic.reset();
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** Maps and unmaps. */
    @Benchmark
    public void pairs() {
        traffic.run(PAIRS);
    }
}
