package org.iommu4j.vtd;

import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * Pages for the structures that lead a unit to page tables, and stores into them: whatever it
 * stores has reached memory when a method returns, also for a unit that does not snoop.
 */
final class StructureMemory {

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;

    StructureMemory(PhysicalMemory memory, TableAllocator allocator, CacheFlusher cache) {
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
    }

    /**
     * Takes pages of zeroes, all or none.
     *
     * @param count how many
     * @return the pages
     * @throws TableMemoryExhaustedException if there are not as many
     */
    PageList take(int count) {
        PageList pages = new PageList();
        if (!allocator.reserveZeroed(count, pages)) {
            throw new TableMemoryExhaustedException(count, allocator.free());
        }
        for (int i = 0; i < count && cache.isNeeded(); i++) {
            cache.written(pages.get(i), PhysicalMemory.PAGE_SIZE);
        }
        settle();
        return pages;
    }

    void give(long page) {
        allocator.give(page);
    }

    long load(long address) {
        return memory.loadPlain(address);
    }

    /** Stores a word. */
    void store(long address, long value) {
        memory.storeRelease(address, value);
        if (cache.isNeeded()) {
            cache.written(address, Long.BYTES);
        }
        settle();
    }

    /** Fills an entry: the first word, which makes it present, once all others are in memory. */
    void storeEntry(long address, long... words) {
        for (int i = words.length - 1; i >= 0; i--) {
            store(address + (long) i * Long.BYTES, words[i]);
        }
    }

    private void settle() {
        if (cache.isNeeded()) {
            cache.fence();
        } else {
            memory.fence();
        }
    }
}
