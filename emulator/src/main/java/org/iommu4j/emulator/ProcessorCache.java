package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * The cache of the processor, which a unit does not snoop: the unit sees a line of the tables as it
 * was last written back and fenced, or, for a line that left the cache by itself, as it was then.
 * Only the memory for tables is cached; data of devices are coherent.
 */
final class ProcessorCache implements Lag {

    private static final int STORES_TO_LEAVE = 16;
    private static final int LOADS_TO_LEAVE = 8;
    private static final int MOST_WAITING = 1 << 12;
    private static final long LINE = 1L << DirtyLines.LINE_SHIFT;

    private final PhysicalMemory memory;
    private final PageArray<DirtyLines> pages;
    private final Moments moments;
    private final Dice dice;
    private final ThreadLocal<Waiting> waiting = ThreadLocal.withInitial(Waiting::new);

    /** The lines that a thread has written back and not fenced. */
    private static final class Waiting {
        private final long[] lines = new long[MOST_WAITING];
        private int count;
    }

    /**
     * Makes an empty cache.
     *
     * @param memory the memory, unobserved
     * @param start where the memory for tables begins
     * @param bytes its size
     * @param moments the clock
     * @param seed decides what leaves the cache by itself
     */
    ProcessorCache(PhysicalMemory memory, long start, long bytes, Moments moments, long seed) {
        this.memory = memory;
        this.pages = new PageArray<>(start, bytes, DirtyLines::new);
        this.moments = moments;
        this.dice = new Dice(seed);
    }

    @Override
    public void beforeStore(long address, long value) {
        if (pages.contains(address)) {
            boolean leaves = dice.oneIn(STORES_TO_LEAVE);
            pages.of(address).store(address, memory, moments.now(), leaves);
        }
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        if (memory.loadAcquire(address) == expected) {
            beforeStore(address, value);
        }
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        for (long line = address & -LINE; line < address + bytes; line += LINE) {
            DirtyLines lines = pages.find(line);
            if (lines != null && lines.writeBack(line)) {
                await(waiting.get(), line);
            }
        }
    }

    @Override
    public void beforeFence() {
        Waiting mine = waiting.get();
        for (int i = 0; i < mine.count; i++) {
            pages.of(mine.lines[i]).arrive(mine.lines[i]);
        }
        mine.count = 0;
    }

    @Override
    public long load(long address) {
        DirtyLines lines = pages.find(address);
        if (lines == null || !lines.isHidden(address)) {
            return memory.loadAcquire(address);
        }
        if (dice.oneIn(LOADS_TO_LEAVE)) {
            lines.arriveByItself(address);
        }
        return lines.load(address, memory);
    }

    @Override
    public boolean exchange(long address, long expected, long value) {
        throw new AssertionError("an atomic operation without snooping");
    }

    @Override
    public void flushWriteBuffers() {
        moments.flushed();
    }

    @Override
    public long changedAt(long address) {
        DirtyLines lines = find(address);
        return lines == null ? 0 : lines.changedAt(address, memory);
    }

    @Override
    public long unwrittenSince(long address) {
        DirtyLines lines = find(address);
        return lines == null ? 0 : lines.unwrittenSince(address);
    }

    private @Nullable DirtyLines find(long address) {
        DirtyLines lines = pages.find(address);
        return lines == null || lines.isClean() ? null : lines;
    }

    private void await(Waiting mine, long line) {
        if (mine.count == MOST_WAITING) {
            beforeFence();
        }
        mine.lines[mine.count++] = line;
    }
}
