package org.iommu4j.emulator;

/**
 * How the sanitizer reads a second-stage paging entry (VT-d, Second-Stage Paging Entries). Levels
 * count from 0, 4 KiB.
 */
final class SecondStageEntry {

    /** Read and write permission. */
    static final long ACCESS = 3;

    /** How many entries a table has. */
    static final int ENTRIES = 512;

    private static final long WRITE = 2;
    private static final long LARGE = 1 << 7;
    private static final long DIRTY = 1 << 9;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    /* Memory type, ignore PAT, snoop. */
    private static final long ATTRIBUTES = 0x38 | 1 << 6 | 1 << 11;

    private SecondStageEntry() {}

    static boolean isPresent(long entry) {
        return (entry & ACCESS) != 0;
    }

    static boolean isLeaf(long entry, int level) {
        return isPresent(entry) && (level == 0 || (entry & LARGE) != 0);
    }

    static boolean isTable(long entry, int level) {
        return isPresent(entry) && level > 0 && (entry & LARGE) == 0;
    }

    /** {@return where a table lies} */
    static long table(long entry) {
        return entry & ADDRESS;
    }

    /** {@return where the page of a leaf lies} */
    static long page(long entry, int level) {
        return entry & ADDRESS & -span(level);
    }

    /** {@return how many bytes an entry decides} */
    static long span(int level) {
        return 1L << 12 + 9 * level;
    }

    /** {@return the physical address of the entry that decides an address} */
    static long slot(long table, long iova, int level) {
        return table + (iova >>> 12 + 9 * level & ENTRIES - 1) * Long.BYTES;
    }

    static long attributes(long leaf) {
        return leaf & ATTRIBUTES;
    }

    static boolean isDirty(long leaf) {
        return (leaf & DIRTY) != 0;
    }

    /** {@return the leaf that maps a part of a larger leaf, one level lower} */
    static long part(long leaf, int level, int index) {
        long part = page(leaf, level) + index * span(level - 1) | leaf & ~ADDRESS;
        return level == 1 ? part & ~LARGE : part;
    }

    /** {@return an entry as a person reads it} */
    static String text(long entry, int level) {
        String raw = " (0x" + Long.toHexString(entry) + ")";
        if (!isPresent(entry)) {
            return "nothing" + (entry == 0 ? "" : raw);
        }
        String access = ((entry & 1) != 0 ? "r" : "-") + ((entry & WRITE) != 0 ? "w" : "-");
        return isLeaf(entry, level)
                ? "a leaf to 0x" + Long.toHexString(page(entry, level)) + " " + access + raw
                : "a table at 0x" + Long.toHexString(table(entry)) + raw;
    }
}
