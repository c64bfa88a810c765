package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.HUGE;
import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.LARGE;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Unmaps a leaf of 2 MiB and maps it again, where a lot of others are mapped. */
@State(Scope.Thread)
public class ScaleBenchmark extends TableSettings {

    static final int PAIRS = 128;

    /** How much is mapped, with leaves of 2 MiB. */
    public enum Mapped {
        /** One table. */
        OF_1G(1),
        /** 16 tables. */
        OF_16G(16),
        /** 256 tables. */
        OF_256G(256),
        /** 4096 tables, which take 16 MiB. */
        OF_4T(4096),
        /** 65,536 tables, which take 256 MiB. */
        OF_64T(65_536);

        private final long bytes;

        Mapped(int gibibytes) {
            this.bytes = gibibytes * HUGE;
        }

        long bytes() {
            return bytes;
        }
    }

    /** What is measured. */
    @Param public Mapped mapped = Mapped.OF_1G;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    private final SplitMix random = new SplitMix(1);

    /** Makes the domain, and maps it. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.coherent(options().withPageSizes(BusyDomain.PAGE | LARGE));
        domain.map(IOVA, mapped.bytes);
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
    }

    /** The same leaf again and again. */
    @Benchmark
    public void samePlace() {
        long iova = IOVA + mapped.bytes / 2;
        for (int i = 0; i < PAIRS; i++) {
            domain.unmap(iova, LARGE);
            domain.map(iova, LARGE);
        }
    }

    /** Leaves at random: the more tables there are, the fewer are in the processor's caches. */
    @Benchmark
    public void randomPlace() {
        for (int i = 0; i < PAIRS; i++) {
            long iova = IOVA + (random.next() & mapped.bytes - LARGE);
            domain.unmap(iova, LARGE);
            domain.map(iova, LARGE);
        }
    }
}
