package org.iommu4j.pagetable;

import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/*
 * The same as the loops in Tables, written out for the format that most trees have: four levels of 512 entries, addresses
 * where they stand. With constants for shifts and no loop it takes half the instructions.
 */

/** The descent without a guard through four levels of tables with 512 entries. */
final class FourLevelWalk {

    private static final int LEVELS = 4;
    private static final int INDEX_BITS = 9;
    private static final int INDEX_BYTES = (1 << INDEX_BITS) - 1 << 3;
    private static final int SHIFT_3 = 39;
    private static final int SHIFT_2 = 30;
    private static final int SHIFT_1 = 21;

    private final PhysicalMemory memory;
    private final long root;
    private final long tableTest;
    private final long tableBits;
    private final long addressMask;

    FourLevelWalk(PhysicalMemory memory, PageTableFormat format, long root) {
        this.memory = memory;
        this.root = root;
        this.tableTest = format.tableBits() | format.leafTest();
        this.tableBits = format.tableBits();
        this.addressMask = format.addressMask();
    }

    static boolean fits(PageTableFormat format) {
        return format.levels() == LEVELS
                && format.indexBits() == INDEX_BITS
                && format.addressShift() == 0;
    }

    /** As {@link Tables#descend} to level 1. */
    long descendToOne(long iova) {
        long entry = memory.loadPlain(slot(root, iova, SHIFT_3));
        if (!leadsOn(entry)) {
            return root | 3;
        }
        long table = entry & addressMask;
        entry = memory.loadPlain(slot(table, iova, SHIFT_2));
        return leadsOn(entry) ? entry & addressMask | 1 : table | 2;
    }

    /** As {@link Tables#descend} to level 0. */
    long descend(long iova) {
        long entry = memory.loadPlain(slot(root, iova, SHIFT_3));
        if (!leadsOn(entry)) {
            return root | 3;
        }
        long table = entry & addressMask;
        entry = memory.loadPlain(slot(table, iova, SHIFT_2));
        if (!leadsOn(entry)) {
            return table | 2;
        }
        table = entry & addressMask;
        entry = memory.loadPlain(slot(table, iova, SHIFT_1));
        if (!leadsOn(entry)) {
            return table | 1;
        }
        return entry & addressMask;
    }

    private boolean isTable(long entry) {
        return (entry & tableTest) == tableBits;
    }

    private boolean leadsOn(long entry) {
        return isTable(entry) && memory.containsPage(entry & addressMask);
    }

    private static long slot(long table, long iova, int shift) {
        return table + (iova >>> shift - 3 & INDEX_BYTES);
    }
}
