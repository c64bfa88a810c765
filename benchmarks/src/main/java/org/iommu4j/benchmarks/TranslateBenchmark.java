package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.HUGE;
import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Translates addresses of 1 GiB that is mapped as pages of 4 KiB. */
@State(Scope.Thread)
public class TranslateBenchmark extends TableSettings {

    static final int CALLS = 4096;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    private final SplitMix random = new SplitMix(1);

    /** Makes the domain, and maps it. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options().withPageSizes(PAGE));
        domain.map(IOVA, HUGE);
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** Translates one address again and again. */
    @Benchmark
    public long hot() {
        long sum = 0;
        for (int i = 0; i < CALLS; i++) {
            sum += domain.domain.translate(IOVA);
        }
        return sum;
    }

    /** Translates addresses at random. */
    @Benchmark
    public long random() {
        long sum = 0;
        for (int i = 0; i < CALLS; i++) {
            sum += domain.domain.translate(IOVA + (random.next() & HUGE - 1));
        }
        return sum;
    }
}
