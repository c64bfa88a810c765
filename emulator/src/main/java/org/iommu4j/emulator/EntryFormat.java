package org.iommu4j.emulator;

/**
 * How the entries of the page tables of one stage are read: what a walk makes of them, and what the
 * sanitizer compares. Levels count from 0, 4 KiB. What an entry permits is told in the bits of
 * {@link Translation}.
 */
abstract sealed class EntryFormat permits FirstStageEntry, SecondStageEntry {

    /** How many entries a table has. */
    static final int ENTRIES = 512;

    /** Where the address is, as far as an entry can hold one. */
    static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    /** In an entry above the last level: it is a leaf. */
    static final long LARGE = 1 << 7;

    private static final long LOWEST_BITS = 3;

    /** The bit that says that an entry was used. */
    final long accessed;

    /** The bit that says that a page was written. */
    final long dirty;

    EntryFormat(long accessed, long dirty) {
        this.accessed = accessed;
        this.dirty = dirty;
    }

    abstract boolean isPresent(long entry);

    /** {@return what an entry permits; 0 if and only if it is not present} */
    abstract int access(long entry);

    /** {@return what a leaf says beside address, permissions and use, alike at every level} */
    abstract long attributes(long leaf, int level);

    /** {@return the leaf that maps a part of a larger leaf, one level lower} */
    abstract long part(long leaf, int level, int index);

    /** {@return the bits that an entry that is present must leave clear} */
    abstract long reserved(long entry, int level, Capabilities capabilities);

    /** {@return true if a leaf of a level is legal} */
    abstract boolean supportsLeaf(int level, Capabilities capabilities);

    /** {@return true if an entry is present and one of a kind that must not be} */
    final boolean isReserved(long entry, int level, Capabilities capabilities) {
        if (!isPresent(entry)) {
            return false; // free for software, whatever it holds
        }
        boolean illegalLeaf = isLeaf(entry, level) && !supportsLeaf(level, capabilities);
        long beyondHost = capabilities.beyondHostAddress() & ADDRESS;
        return illegalLeaf || (entry & (beyondHost | reserved(entry, level, capabilities))) != 0;
    }

    final boolean isLeaf(long entry, int level) {
        return isPresent(entry) && (level == 0 || (entry & LARGE) != 0);
    }

    final boolean isTable(long entry, int level) {
        return isPresent(entry) && level > 0 && (entry & LARGE) == 0;
    }

    final boolean isDirty(long leaf) {
        return (leaf & dirty) != 0;
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

    /** {@return false if an entry is present in no format} */
    static boolean mayBePresent(long entry) {
        return (entry & LOWEST_BITS) != 0;
    }

    /** {@return an entry as a person reads it} */
    final String text(long entry, int level) {
        String raw = " (0x" + Long.toHexString(entry) + ")";
        if (!isPresent(entry)) {
            return "nothing" + (entry == 0 ? "" : raw);
        }
        int access = access(entry);
        String letters =
                ((access & Translation.READ) != 0 ? "r" : "-")
                        + ((access & Translation.WRITE) != 0 ? "w" : "-");
        return isLeaf(entry, level)
                ? "a leaf to 0x" + Long.toHexString(page(entry, level)) + " " + letters + raw
                : "a table at 0x" + Long.toHexString(table(entry)) + raw;
    }
}
