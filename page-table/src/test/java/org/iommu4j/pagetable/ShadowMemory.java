package org.iommu4j.pagetable;

import java.util.HashMap;
import java.util.Map;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;

/*
 * A walker that does not snoop sees of each word what was last written back, or, should the cache have thrown the line out
 * by itself, what is there now. So for each word there are two values that it may see, and it may see them in any mixture.
 * Only words that the engine said it has written, and has fenced since, are certain.
 */

/** What has certainly reached memory, for a unit that does not snoop the processor's cache. */
final class ShadowMemory implements CacheFlusher {

    /** A word on its way to memory. */
    private record Written(long value, long number) {}

    private final Interleaver interleaver;
    private final PhysicalMemory memory;
    private final Map<Long, Long> reached = new HashMap<>();
    private final Map<Long, Long> numbers = new HashMap<>();
    private final Map<Thread, Map<Long, Written>> underway = new HashMap<>();
    private final int tableBytes;
    private Runnable whenFenced = () -> {};
    private long number;
    private boolean lagging;
    private long hash;

    ShadowMemory(Interleaver interleaver, PhysicalMemory memory, int tableBytes) {
        this.interleaver = interleaver;
        this.memory = memory.unobserved();
        this.tableBytes = tableBytes;
    }

    /** From now on memory lags behind; until now everything has reached it. */
    void lag(Runnable afterEachFence) {
        whenFenced = afterEachFence;
        for (long page = 0; page < memory.size(); page += PhysicalMemory.PAGE_SIZE) {
            for (int offset = 0; offset < tableBytes; offset += Long.BYTES) {
                reached.put(page + offset, memory.loadAcquire(page + offset));
            }
        }
        lagging = true;
    }

    void keepUp() {
        lagging = false;
    }

    /** What has certainly reached memory. */
    long load(long address) {
        return lagging ? reached.get(address) : memory.loadAcquire(address);
    }

    @Override
    public boolean isNeeded() {
        return true;
    }

    @Override
    public void written(long address, long bytes) {
        if (lagging) {
            interleaver.settle();
            number++;
            Map<Long, Written> mine =
                    underway.computeIfAbsent(Thread.currentThread(), thread -> new HashMap<>());
            for (long at = address; at < address + bytes; at += Long.BYTES) {
                mine.put(at, new Written(memory.loadAcquire(at), number));
            }
        }
    }

    @Override
    public void fence() {
        if (lagging) {
            interleaver.announce(false);
            Map<Long, Written> mine = underway.remove(Thread.currentThread());
            if (mine != null) {
                mine.forEach(this::reach);
            }
            whenFenced.run();
        }
    }

    private void reach(long address, Written written) {
        if (written.number > numbers.getOrDefault(address, 0L)) {
            numbers.put(address, written.number);
            Long old = reached.put(address, written.value);
            hash +=
                    Interleaver.mix(address, written.value)
                            - Interleaver.mix(address, old == null ? 0 : old);
        }
    }

    long hash() {
        return hash;
    }
}
