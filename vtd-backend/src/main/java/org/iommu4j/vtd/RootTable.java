package org.iommu4j.vtd;

import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * The root table of one unit in legacy mode and the context tables it points to (VT-d, Root Entry
 * and Context Entry): which tables the requests of which device go through.
 *
 * <p>An entry is made by its last word, once everything else of it is in memory. It is taken down
 * in two steps, {@link #clear} and {@link #wipe}, between which the unit is made to forget it. A
 * context table is made for the first device of its bus and stays until all is freed. The caller
 * sees to it that one thread at a time uses this.
 */
final class RootTable {

    private static final int BUSES = 256;
    private static final int ENTRY_BYTES = 16;
    private static final int BUS_SHIFT = 8;
    private static final long PRESENT = 1;
    private static final int DOMAIN_ID_SHIFT = 8;

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final long root;
    private final long[] contextTables = new long[BUSES];

    /**
     * Makes an empty table.
     *
     * @throws TableMemoryExhaustedException if there is no page for it
     */
    RootTable(PhysicalMemory memory, TableAllocator allocator, CacheFlusher cache) {
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
        this.root = takePage();
    }

    /** {@return its physical address} */
    long address() {
        return root;
    }

    /**
     * Sees to it that there is a context table for a device; its entry is as it was.
     *
     * @param requester the device
     * @throws TableMemoryExhaustedException if there is no page for one; nothing has changed
     */
    void reach(int requester) {
        int bus = requester >>> BUS_SHIFT;
        if (contextTables[bus] == 0) {
            long table = takePage();
            contextTables[bus] = table;
            store(root + (long) bus * ENTRY_BYTES, table | PRESENT);
        }
    }

    /**
     * Sends the requests of a device that is within {@linkplain #reach reach} through tables.
     *
     * @param requester the device; its entry is absent and wiped
     * @param table the root of the page tables
     * @param levels how many levels they have
     * @param domainId what the unit shall call them
     */
    void set(int requester, long table, int levels, int domainId) {
        long entry = entry(requester);
        store(
                entry + Long.BYTES,
                (long) domainId << DOMAIN_ID_SHIFT | UnitCapabilities.addressWidthCode(levels));
        store(entry, table | PRESENT);
    }

    /**
     * Makes a device's entry absent, and leaves all else in it as it is.
     *
     * @param requester the device
     */
    void clear(int requester) {
        long entry = entry(requester);
        store(entry, memory.loadPlain(entry) & ~PRESENT);
    }

    /**
     * Empties a device's entry, which the unit has forgotten.
     *
     * @param requester the device
     */
    void wipe(int requester) {
        long entry = entry(requester);
        store(entry, 0);
        store(entry + Long.BYTES, 0);
    }

    /** Gives every page back; the unit does not use them any more. */
    void free() {
        for (int bus = 0; bus < BUSES; bus++) {
            if (contextTables[bus] != 0) {
                allocator.give(contextTables[bus]);
                contextTables[bus] = 0;
            }
        }
        allocator.give(root);
    }

    private long entry(int requester) {
        return contextTables[requester >>> BUS_SHIFT]
                + (long) (requester & (1 << BUS_SHIFT) - 1) * ENTRY_BYTES;
    }

    private long takePage() {
        long page = allocator.take();
        if (page < 0) {
            throw new TableMemoryExhaustedException(1, allocator.free());
        }
        if (cache.isNeeded()) {
            cache.written(page, PhysicalMemory.PAGE_SIZE);
            cache.fence();
        }
        return page;
    }

    /** Stores a word; it has reached memory when this returns. */
    private void store(long address, long value) {
        memory.storeRelease(address, value);
        if (cache.isNeeded()) {
            cache.written(address, Long.BYTES);
            cache.fence();
        } else {
            memory.fence();
        }
    }
}
