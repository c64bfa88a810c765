package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import java.nio.ByteBuffer;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.machine.Device;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.ThreadParams;

/** Devices that read 8 bytes at a time, out of pages of 4 KiB at random. */
public class DmaBenchmark {

    static final int CALLS = 4096;

    private static final int BYTES = 8;
    private static final long FRAMES = 16L << 20;

    /** How many pages a device reads from. */
    public enum Reach {
        /** 256, which the unit keeps translations of. */
        HITS(1 << 8),
        /** 65,536, of which it keeps one in 16; most walks begin at the last table. */
        MISSES(1 << 16);

        private final int pages;

        Reach(int pages) {
            this.pages = pages;
        }
    }

    /** The machine, and a domain that all its devices use. */
    @State(Scope.Benchmark)
    public static class Shared {

        /** What is measured. */
        @Param public Reach reach = Reach.HITS;

        /** As of {@link TableSettings}. */
        @Param("64")
        public int emptyTables;

        private final EmulatedMachine machine = EmulatedUnits.machine();

        @SuppressWarnings("NullAway.Init") // JMH calls open() first
        private BusyDomain domain;

        /** Makes the domain, and maps it. */
        @Setup(Level.Trial)
        public void open() {
            DomainOptions options = DomainOptions.defaults().withEmptyTables(emptyTables);
            domain = BusyDomain.open(IommuOptions.on(machine), options.withPageSizes(PAGE));
            long size = reach.pages * PAGE;
            for (long offset = 0; offset < size; offset += FRAMES) {
                long bytes = Math.min(FRAMES, size - offset);
                domain.domain.map(IOVA + offset, 0, bytes, Access.READ_WRITE);
            }
            machine.devices().forEach(device -> domain.attach(device.source()));
        }

        /** Closes both. */
        @TearDown(Level.Trial)
        public void close() {
            domain.close();
            machine.close();
        }
    }

    /** One thread's device. */
    @State(Scope.Thread)
    public static class Worker extends Allocation {

        private final ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES);
        private long state;
        private long lastPage;

        @SuppressWarnings("NullAway.Init") // JMH calls open() first
        private Device device;

        /** Finds its device. */
        @Setup(Level.Trial)
        public void open(Shared shared, ThreadParams thread) {
            device = shared.machine.devices().get(thread.getThreadIndex());
            state = 1L + thread.getThreadIndex();
            lastPage = shared.reach.pages - 1L;
        }

        private long next() {
            state = state * 6364136223846793005L + 1442695040888963407L;
            return IOVA + (state >>> 33 & lastPage) * PAGE + (state >>> 20 & 0xfc0);
        }
    }

    /** Reads. */
    @Benchmark
    public void read(Worker worker, Shared shared) {
        for (int i = 0; i < CALLS; i++) {
            worker.buffer.position(0);
            if (!worker.device.read(worker.next(), worker.buffer).isDone()) {
                throw new IllegalStateException("a DMA was blocked");
            }
        }
    }
}
