package org.iommu4j.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One thread with the traffic of a driver: the peers' 2^20 iterations, again and again, in samples
 * of 4096.
 */
@State(Scope.Thread)
public class TrafficBenchmark extends TableSettings {

    static final int PAIRS = 1 << 12;
    private static final int SEQUENCE = 1 << 20;

    /** The size of the window. */
    @Param public Window window = Window.OF_64M;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private Traffic traffic;

    private int done;

    /** Makes the domain. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options());
        traffic = new Traffic(domain, BusyDomain.IOVA, window.bytes(), 1);
    }

    /** Begins the sequence again where it ends. */
    @Setup(Level.Invocation)
    public void advance() {
        if (done == SEQUENCE) {
            traffic.reset();
            done = 0;
        }
        if (done == 0) {
            traffic.run(Traffic.OUTSTANDING); // pages to unmap
        }
        done += PAIRS;
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
