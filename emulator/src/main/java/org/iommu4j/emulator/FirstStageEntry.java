package org.iommu4j.emulator;

/**
 * Entries of first-stage tables (VT-d, First-Stage Paging Entries). A leaf of 4 KiB has the PAT bit
 * where a larger one says that it is a leaf, and a larger one has it just above.
 */
final class FirstStageEntry extends EntryFormat {

    /** The format. */
    static final EntryFormat FORMAT = new FirstStageEntry();

    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long USER = 1 << 2;
    /* Of the lowest level; larger leaves have it at LARGE_PAT. */
    private static final long PAT = 1 << 7;
    private static final long LARGE_PAT = 1 << 12;
    private static final long EXECUTE_DISABLE = 1L << 63;
    /* Write-through and cache-disable, global. */
    private static final long ATTRIBUTES = 1 << 3 | 1 << 4 | 1 << 8;

    private FirstStageEntry() {
        super(1 << 5, 1 << 6);
    }

    @Override
    boolean isPresent(long entry) {
        return (entry & PRESENT) != 0;
    }

    @Override
    int access(long entry) {
        if (!isPresent(entry)) {
            return 0;
        }
        return Translation.READ
                | ((entry & WRITABLE) != 0 ? Translation.WRITE : 0)
                | ((entry & USER) != 0 ? Translation.USER : 0)
                | ((entry & EXECUTE_DISABLE) == 0 ? Translation.EXECUTE : 0);
    }

    @Override
    long attributes(long leaf, int level) {
        boolean pat = (leaf & (level == 0 ? PAT : LARGE_PAT)) != 0;
        return leaf & ATTRIBUTES | (pat ? PAT : 0);
    }

    @Override
    long part(long leaf, int level, int index) {
        long part = page(leaf, level) + index * span(level - 1) | leaf & ~ADDRESS;
        if (level > 1) {
            return part | leaf & LARGE_PAT;
        }
        return (leaf & LARGE_PAT) != 0 ? part | PAT : part & ~PAT;
    }

    @Override
    boolean supportsLeaf(int level, Capabilities capabilities) {
        return level < 2 || level == 2 && capabilities.supportsLeaf(2);
    }

    @Override
    long reserved(long entry, int level, Capabilities capabilities) {
        return isLeaf(entry, level) && level > 0 ? span(level) - 2 * span(0) : 0;
    }
}
