package org.iommu4j.pagetable;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Steps through an operation: runs a check after every single store and exchange, and remembers
 * them all, so that memory can be read as it was after any of them.
 */
final class Steps implements MemoryObserver {

    private final PhysicalMemory memory;
    private final Runnable afterEach;
    private final Map<Long, NavigableMap<Integer, Long>> replaced = new HashMap<>();
    private int count;
    private long address = -1;
    private long before;

    /**
     * Begins.
     *
     * @param memory the memory, unobserved
     * @param afterEach runs after every store and exchange that changed something
     */
    Steps(PhysicalMemory memory, Runnable afterEach) {
        this.memory = memory;
        this.afterEach = afterEach;
    }

    @Override
    public void beforeStore(long at, long value) {
        settle();
        address = at;
        before = memory.loadAcquire(at);
    }

    @Override
    public void beforeExchange(long at, long expected, long value) {
        beforeStore(at, value);
    }

    /** Has the last store taken effect; call this when the operation is over. */
    void settle() {
        if (address >= 0) {
            long at = address;
            address = -1;
            if (memory.loadAcquire(at) != before) {
                replaced.computeIfAbsent(at, key -> new TreeMap<>()).put(count++, before);
                afterEach.run();
            }
        }
    }

    /** How many stores and exchanges changed something. */
    int count() {
        return count;
    }

    /**
     * Reads a word as it was.
     *
     * @param at its physical address
     * @param step after how many changes: 0 is before all, {@link #count} after all
     */
    long load(long at, int step) {
        NavigableMap<Integer, Long> changes = replaced.get(at);
        Map.Entry<Integer, Long> next = changes == null ? null : changes.ceilingEntry(step);
        return next == null ? memory.loadAcquire(at) : next.getValue();
    }
}
