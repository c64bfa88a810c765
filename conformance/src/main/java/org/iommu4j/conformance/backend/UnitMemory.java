package org.iommu4j.conformance.backend;

import java.util.HashMap;
import java.util.Map;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Memory as a unit sees it that does not snoop the processor's cache: what was stored reaches it
 * when it was written back and a fence has come after that. Any thread may use it.
 */
final class UnitMemory implements MemoryObserver {

    private static final long LINE = 64;
    private static final int WORDS = (int) (LINE / Long.BYTES);

    private final PhysicalMemory memory;

    /* Lines of which the unit sees something else than memory holds, or may: by the address of the line. */
    private final Map<Long, long[]> old = new HashMap<>();
    private final Map<Long, Thread> writtenBack = new HashMap<>();

    /** What is in memory now, the unit sees. */
    UnitMemory(PhysicalMemory memory) {
        this.memory = memory.unobserved();
    }

    /** {@return the word as the unit sees it} */
    synchronized long load(long address) {
        long[] line = old.get(address & -LINE);
        return line == null
                ? memory.loadAcquire(address)
                : line[(int) (address & LINE - 1) / Long.BYTES];
    }

    /** {@return the first word of a page that the unit does not see as it is; -1 if it sees all} */
    synchronized long unseen(long page) {
        for (long line = page; line < page + PhysicalMemory.PAGE_SIZE; line += LINE) {
            long[] seen = old.get(line);
            for (int i = 0; seen != null && i < WORDS; i++) {
                long at = line + (long) i * Long.BYTES;
                if (seen[i] != memory.loadAcquire(at)) {
                    return at;
                }
            }
        }
        return -1;
    }

    @Override
    public synchronized void beforeStore(long address, long value) {
        long line = address & -LINE;
        writtenBack.remove(line);
        if (!old.containsKey(line)) {
            long[] words = new long[WORDS];
            for (int i = 0; i < WORDS; i++) {
                words[i] = memory.loadAcquire(line + (long) i * Long.BYTES);
            }
            old.put(line, words);
        }
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        beforeStore(address, value);
    }

    @Override
    public synchronized void beforeWriteBack(long address, long bytes) {
        for (long line = address & -LINE; line < address + bytes; line += LINE) {
            if (old.containsKey(line)) {
                writtenBack.put(line, Thread.currentThread());
            }
        }
    }

    @Override
    public synchronized void beforeFence() {
        writtenBack
                .entrySet()
                .removeIf(entry -> {
                    boolean mine = entry.getValue() == Thread.currentThread();
                    if (mine) {
                        old.remove(entry.getKey());
                    }
                    return mine;
                });
    }
}
