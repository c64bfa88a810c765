package org.iommu4j.benchmarks;

import java.util.Locale;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.flush.FlushPolicyProvider;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One thread with the traffic of a driver in 64 MiB, on an emulated unit that hears of what it must
 * forget through its invalidation queue, and works that off before the call returns.
 */
@State(Scope.Thread)
public class UnitTrafficBenchmark extends TableSettings {

    static final int PAIRS = 1 << 12;

    /** Which flush policy. */
    public enum Flush {
        /** Each unmap waits until the unit has forgotten. */
        STRICT,
        /** One flush for up to 256 unmaps. */
        DEFERRED
    }

    /** What is measured. */
    @Param public Flush flush = Flush.STRICT;

    private final EmulatedMachine machine = EmulatedUnits.machine();

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private Traffic traffic;

    /** Makes the domain and lets a device use it. */
    @Setup(Level.Trial)
    public void open() {
        IommuOptions unit =
                IommuOptions.on(machine)
                        .with(FlushPolicyProvider.class, flush.name().toLowerCase(Locale.ROOT));
        domain = BusyDomain.open(unit, options());
        domain.attach(machine.devices().getFirst().source());
        traffic = new Traffic(domain, BusyDomain.IOVA, Window.OF_64M.bytes(), 1);
        traffic.run(Traffic.OUTSTANDING); // pages to unmap
    }

    /** Closes both. */
    @TearDown(Level.Trial)
    public void close() {
        domain.close();
        machine.close();
    }

    /** Maps and unmaps. */
    @Benchmark
    public void pairs() {
        traffic.run(PAIRS);
    }
}
