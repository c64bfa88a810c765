package org.iommu4j.vtd;

import java.util.Arrays;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The root table of one unit and the context tables it points to (VT-d, Root Entry and
 * Scalable-Mode Root Entry): where the context entry of a device stands.
 *
 * <p>A bus has one context table in legacy mode, where an entry takes 16 bytes, and two in scalable
 * mode, where it takes 32; the root table then holds a word for each. A context table is made for
 * the first device that it holds and stays until all is freed. The caller sees to it that one
 * thread at a time uses this.
 */
final class RootTable {

    private static final long PRESENT = 1;
    private static final int REQUESTER_BITS = 16;

    private final StructureMemory memory;
    private final int entryBytes;
    private final int tableShift;
    private final int slotBytes;
    private final long root;
    private final long[] contextTables;

    /**
     * Makes an empty table.
     *
     * @param memory where
     * @param entryBytes the size of a context entry, in bytes: 16 or 32
     * @throws TableMemoryExhaustedException if there is no page for it
     */
    RootTable(StructureMemory memory, int entryBytes) {
        this.memory = memory;
        this.entryBytes = entryBytes;
        this.tableShift = Integer.numberOfTrailingZeros(PhysicalMemory.PAGE_SIZE / entryBytes);
        this.contextTables = new long[1 << REQUESTER_BITS - tableShift];
        this.slotBytes = PhysicalMemory.PAGE_SIZE / contextTables.length;
        this.root = memory.take(1).get(0);
    }

    /** {@return its physical address} */
    long address() {
        return root;
    }

    /**
     * Says whether there is a context table for a device.
     *
     * @param requester the device
     * @return true if there is
     */
    boolean reaches(int requester) {
        return contextTables[requester >>> tableShift] != 0;
    }

    /**
     * Makes a page the context table for a device.
     *
     * @param requester a device for which there is none
     * @param table a page of zeroes
     */
    void link(int requester, long table) {
        int number = requester >>> tableShift;
        contextTables[number] = table;
        memory.store(root + (long) number * slotBytes, table | PRESENT);
    }

    /**
     * Finds a device's context entry.
     *
     * @param requester a device for which there is a context table
     * @return the physical address of the entry
     */
    long entry(int requester) {
        int index = requester & (1 << tableShift) - 1;
        return contextTables[requester >>> tableShift] + (long) index * entryBytes;
    }

    /** Gives every page back; the unit does not use them any more. */
    void free() {
        Arrays.stream(contextTables).filter(table -> table != 0).forEach(memory::give);
        Arrays.fill(contextTables, 0);
        memory.give(root);
    }
}
