package org.iommu4j.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What no split can do without, in plain Java: take a page, write its entries, exchange one entry
 * for it; and what writing 2 MiB of entries costs.
 */
@State(Scope.Thread)
public class FloorBenchmark extends Allocation {

    static final int CALLS = 64;

    private static final int ENTRIES = 512;
    private static final int TABLE_BYTES = ENTRIES * Long.BYTES;
    private static final int TABLES = 512;
    private static final int PAGES = 64;
    private static final MemorySegment MEMORY =
            Arena.global().allocate((long) TABLES * TABLE_BYTES, TABLE_BYTES);
    private static final MemorySegment[] SLICES = slices();
    private static final MemorySegment PARENT = Arena.global().allocate(Long.BYTES, Long.BYTES);
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final long[] STEPS = steps();

    private final long[] stack = new long[PAGES];
    private int top = PAGES;

    /** For JMH. */
    public FloorBenchmark() {
        for (int i = 0; i < PAGES; i++) {
            stack[i] = (long) i * TABLE_BYTES;
        }
    }

    /** A split without anything that makes it safe. */
    @Benchmark
    public void split() {
        for (int i = 0; i < CALLS; i++) {
            long page = stack[--top];
            fill(page, 0x1003);
            long leaf = (long) WORD.get(PARENT, 0L);
            WORD.compareAndExchange(PARENT, 0L, leaf, page | 3);
            stack[top++] = page;
        }
    }

    /** The entries of 1 GiB. */
    @Benchmark
    public void fill() {
        for (int i = 0; i < TABLES; i++) {
            fill((long) i * TABLE_BYTES, 3 + (long) i * TABLE_BYTES);
        }
    }

    private static void fill(long page, long first) {
        /* The only form that takes the same time in every JVM (docs/performance.md). */
        MemorySegment table = SLICES[(int) (page / TABLE_BYTES)];
        for (int i = 0; i < ENTRIES; i++) {
            table.setAtIndex(ValueLayout.JAVA_LONG, i, first + STEPS[i]);
        }
    }

    private static long[] steps() {
        long[] steps = new long[ENTRIES];
        for (int i = 0; i < ENTRIES; i++) {
            steps[i] = (long) i << 12;
        }
        return steps;
    }

    private static MemorySegment[] slices() {
        MemorySegment[] slices = new MemorySegment[TABLES];
        for (int i = 0; i < TABLES; i++) {
            slices[i] = MEMORY.asSlice((long) i * TABLE_BYTES, TABLE_BYTES);
        }
        return slices;
    }
}
