package org.iommu4j.vtd;

import java.util.BitSet;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The PASID directory of one device, one page, and the PASID tables that it points to (VT-d,
 * Scalable-Mode PASID Directory Entry). A table is made for the first id that it holds, and stays
 * until all is freed.
 */
final class PasidDirectory {

    private static final int TABLE_SHIFT = 6;
    private static final int TABLES = PhysicalMemory.PAGE_SIZE / Long.BYTES;

    /** How many bits of a process address space id one page of directory tells apart. */
    static final int PASID_BITS = TABLE_SHIFT + Integer.numberOfTrailingZeros(TABLES);

    /** What a context entry calls a directory of one page (PDTS): 128 entries, twice doubled. */
    static final long SIZE_CODE = 2;

    private static final long PRESENT = 1;

    private final StructureMemory memory;
    private final long page;
    private final long[] tables = new long[TABLES];
    private final BitSet claimed = new BitSet();

    /**
     * Makes an empty directory.
     *
     * @param memory where
     * @param page a page of zeroes
     */
    PasidDirectory(StructureMemory memory, long page) {
        this.memory = memory;
        this.page = page;
    }

    /** {@return its physical address} */
    long address() {
        return page;
    }

    /** Says whether there is a table for an id. */
    boolean reaches(int pasid) {
        return tables[pasid >>> TABLE_SHIFT] != 0;
    }

    /** Makes a page of zeroes the table for an id for which there is none. */
    void link(int pasid, long table) {
        int index = pasid >>> TABLE_SHIFT;
        tables[index] = table;
        memory.store(page + (long) index * Long.BYTES, table | PRESENT);
    }

    /** Keeps the directory for an id for which there is a table, until its entry is wiped. */
    void claim(int pasid) {
        claimed.set(pasid);
    }

    /** Fills the entry of an id, which is claimed, absent and wiped. */
    void set(int pasid, long[] words) {
        memory.storeEntry(entry(pasid), words);
    }

    /** Makes the entry of an id absent, and leaves all else in it as it is. */
    void clear(int pasid) {
        memory.store(entry(pasid), memory.load(entry(pasid)) & ~PRESENT);
    }

    /** Lets the unit keep dirty bits in the second-stage tables of an id, or ends that. */
    void keepDirtyBits(int pasid, boolean on) {
        long word = memory.load(entry(pasid));
        memory.store(
                entry(pasid), on ? word | PasidEntry.DIRTY_BITS : word & ~PasidEntry.DIRTY_BITS);
    }

    /** Empties the entry of an id, which the unit has forgotten. */
    void wipe(int pasid) {
        memory.storeEntry(entry(pasid), new long[PasidEntry.WORDS]);
        claimed.clear(pasid);
    }

    /** {@return true if no id is claimed} */
    boolean isEmpty() {
        return claimed.isEmpty();
    }

    /** Says whether an id is claimed, and no other. */
    boolean holdsOnly(int pasid) {
        return claimed.cardinality() == 1 && claimed.get(pasid);
    }

    /** Gives every page back; the unit does not use them any more. */
    void free() {
        for (long table : tables) {
            if (table != 0) {
                memory.give(table);
            }
        }
        memory.give(page);
    }

    private long entry(int pasid) {
        int index = pasid & (1 << TABLE_SHIFT) - 1;
        return tables[pasid >>> TABLE_SHIFT] + (long) index * PasidEntry.WORDS * Long.BYTES;
    }
}
