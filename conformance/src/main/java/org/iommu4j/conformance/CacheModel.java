package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A processor's cache that a unit does not snoop: which lines were stored to and have not reached
 * memory, by the thread that stored. Any thread may use it.
 */
final class CacheModel implements MemoryObserver {

    static final long LINE = 64;

    private final PhysicalMemory memory = PhysicalMemory.allocate(64 * PhysicalMemory.PAGE_SIZE);
    private final PhysicalMemory observed = memory.observedBy(this);
    private final Map<Long, Thread> stored = new HashMap<>();
    private final Map<Long, Thread> writtenBack = new HashMap<>();
    private final List<String> problems = new ArrayList<>();
    private final CacheFlusher flusher;
    private final Evidence evidence;

    CacheModel(CacheFlusherProvider provider, Evidence evidence) {
        this.evidence = evidence;
        this.flusher = provider.create(observed);
        if (!flusher.isNeeded()) {
            throw evidence.skip("isNeeded() is false: it is for units that snoop the cache");
        }
    }

    CacheFlusher flusher() {
        return flusher;
    }

    long size() {
        return memory.size();
    }

    /** Stores words, and tells the flusher. */
    void store(long address, int words) {
        observed.fill(address, 1, 0, words);
        flusher.written(address, (long) words * Long.BYTES);
    }

    /** Has the flusher fence; everything this thread stored must have reached memory then. */
    void fence() {
        flusher.fence();
        requireReached(Thread.currentThread());
    }

    private synchronized void requireReached(Thread thread) {
        problems.forEach(evidence::broken);
        stored.forEach((line, storer) -> {
            if (storer == thread) {
                evidence.broken(
                        "the line at 0x"
                                + Long.toHexString(line)
                                + " had not been written back when the fence ended");
            }
        });
        writtenBack.forEach((line, storer) -> {
            if (storer == thread) {
                evidence.broken(
                        "the line at 0x"
                                + Long.toHexString(line)
                                + " was written back, but no fence came after that");
            }
        });
    }

    @Override
    public synchronized void beforeStore(long address, long value) {
        stored.put(address & -LINE, Thread.currentThread());
        writtenBack.remove(address & -LINE);
    }

    @Override
    public synchronized void beforeWriteBack(long address, long bytes) {
        if (address < 0 || bytes <= 0 || address + bytes > memory.size()) {
            problems.add(
                    "0x"
                            + Long.toHexString(bytes)
                            + " bytes at 0x"
                            + Long.toHexString(address)
                            + " were written back, which are not all memory");
            return;
        }
        for (long line = address & -LINE; line < address + bytes; line += LINE) {
            Thread storer = stored.remove(line);
            if (storer != null) {
                writtenBack.put(line, storer);
            }
        }
    }

    @Override
    public synchronized void beforeFence() {
        writtenBack.values().removeIf(storer -> storer == Thread.currentThread());
    }
}
