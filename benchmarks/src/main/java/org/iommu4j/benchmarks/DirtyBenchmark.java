package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.HUGE;
import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.OUTPUT;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.machine.PhysicalMemory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Reads which of 262,144 pages were written into a bitmap, and forgets it. What writes them is not
 * measured: it sets the bits that a unit would have set, in the tables.
 */
@State(Scope.Thread)
public class DirtyBenchmark extends TableSettings {

    private static final long TABLE_MEMORY = 16L << 20;
    private static final int PAGES = (int) (HUGE / PAGE);
    private static final int PER_TABLE = 512;

    /* VT-d, Second-Stage Paging Entries. */
    private static final long DIRTY = 1L << 9;
    private static final long ADDRESS = (1L << 52) - PAGE;

    /** How many pages are dirty. */
    public enum Share {
        /** None. */
        NONE(PAGES + 1),
        /** One in a hundred. */
        HUNDREDTH(100),
        /** All. */
        ALL(1);

        private final int step;

        Share(int step) {
            this.step = step;
        }
    }

    /** What is measured. */
    @Param public Share share = Share.NONE;

    private final PhysicalMemory memory = PhysicalMemory.allocate(TABLE_MEMORY);
    private final long[] tables = new long[PAGES / PER_TABLE];
    private final long[] bitmap = new long[PAGES / Long.SIZE];
    private final DirtySink sink = this::mark;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private BusyDomain domain;

    @SuppressWarnings("NullAway.Init") // JMH calls open() first
    private DirtyTracking tracking;

    /** Makes the domain, maps it, and finds its last tables by what stands in them. */
    @Setup(Level.Trial)
    public void open() {
        domain = BusyDomain.in(memory, options().withPageSizes(PAGE));
        domain.map(IOVA, HUGE);
        tracking = domain.domain.trackDirty(new DirtyOptions(PAGE, false));
        for (long page = memory.start(); memory.containsPage(page); page += PAGE) {
            long offset = (memory.loadPlain(page) & ADDRESS) - OUTPUT;
            if (offset >= 0 && offset < HUGE) {
                tables[(int) (offset / PAGE / PER_TABLE)] = page;
            }
        }
    }

    /** Writes to pages. */
    @Setup(Level.Invocation)
    public void writePages() {
        for (int page = share.step - 1; page < PAGES; page += share.step) {
            long entry = tables[page / PER_TABLE] + (long) (page % PER_TABLE) * Long.BYTES;
            memory.storePlain(entry, memory.loadPlain(entry) | DIRTY);
        }
    }

    /** Closes the domain. */
    @TearDown(Level.Trial)
    public void close() {
        tracking.close();
        domain.close();
    }

    /** Reads and clears. */
    @Benchmark
    public long[] readAndClear() {
        tracking.readAndClear(IOVA, HUGE, sink, domain.gather);
        domain.domain.sync(domain.gather);
        return bitmap;
    }

    private void mark(long iova, long size) {
        int end = (int) ((iova + size - IOVA) / PAGE);
        int page = (int) ((iova - IOVA) / PAGE);
        while (page < end) {
            int count = Math.min(end - page, Long.SIZE - page % Long.SIZE);
            bitmap[page / Long.SIZE] |= -1L >>> Long.SIZE - count << page;
            page += count;
        }
    }
}
