package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/**
 * The buffers in which software's stores wait before they reach memory, where a unit requires that
 * they be flushed (CAP.RWBF): the unit sees the tables as they were at some moment since the last
 * flush, for stores leave in their order. Only the memory for tables is buffered.
 */
final class WriteBuffer implements Lag {

    private static final int STORES_TO_DRAIN = 64;
    private static final int LOADS_TO_DRAIN = 16;

    private final PhysicalMemory memory;
    private final PageArray<DirtyLines> pages;
    private final Moments moments;
    private final Dice dice;
    /* Lines of another generation were flushed. */
    private volatile long generation;

    /**
     * Makes an empty buffer.
     *
     * @param memory the memory, unobserved
     * @param start where the memory for tables begins
     * @param bytes its size
     * @param moments the clock
     * @param seed decides when the buffer drains by itself
     */
    WriteBuffer(PhysicalMemory memory, long start, long bytes, Moments moments, long seed) {
        this.memory = memory;
        this.pages = new PageArray<>(start, bytes, DirtyLines::new);
        this.moments = moments;
        this.dice = new Dice(seed);
    }

    @Override
    public void beforeStore(long address, long value) {
        if (!pages.contains(address)) {
            return;
        }
        if (dice.oneIn(STORES_TO_DRAIN)) {
            drain();
        }
        DirtyLines lines = pages.of(address);
        lines.flushTo(generation);
        lines.store(address, memory, moments.now(), false);
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        if (memory.loadAcquire(address) == expected) {
            beforeStore(address, value);
        }
    }

    @Override
    public long load(long address) {
        if (dice.oneIn(LOADS_TO_DRAIN)) {
            drain();
        }
        DirtyLines lines = pages.find(address);
        return lines == null || lines.generation() != generation
                ? memory.loadAcquire(address)
                : lines.load(address, memory);
    }

    @Override
    public boolean exchange(long address, long expected, long value) {
        drain();
        return memory.compareAndExchange(address, expected, value) == expected;
    }

    @Override
    public void flushWriteBuffers() {
        drain();
        moments.flushed();
    }

    @Override
    public long changedAt(long address) {
        DirtyLines lines = pages.find(address);
        return lines == null || lines.generation() != generation
                ? 0
                : lines.changedAt(address, memory);
    }

    @Override
    public long unwrittenSince(long address) {
        return 0;
    }

    private synchronized void drain() {
        generation++;
    }
}
