package org.iommu4j.emulator;

/** Entries of second-stage tables (VT-d, Second-Stage Paging Entries). */
final class SecondStageEntry extends EntryFormat {

    /** The format. */
    static final EntryFormat FORMAT = new SecondStageEntry();

    private static final int READ_WRITE = 3;
    private static final long SNOOP = 1 << 11;
    private static final long TRANSIENT = 1L << 62;
    /* Memory type, ignore PAT, snoop. */
    private static final long ATTRIBUTES = 0x38 | 1 << 6 | SNOOP;

    private SecondStageEntry() {
        super(1 << 8, 1 << 9);
    }

    @Override
    boolean isPresent(long entry) {
        return (entry & READ_WRITE) != 0;
    }

    @Override
    int access(long entry) {
        return isPresent(entry)
                ? (int) entry & READ_WRITE | Translation.EXECUTE | Translation.USER
                : 0;
    }

    @Override
    long attributes(long leaf, int level) {
        return leaf & ATTRIBUTES;
    }

    @Override
    long part(long leaf, int level, int index) {
        long part = page(leaf, level) + index * span(level - 1) | leaf & ~ADDRESS;
        return level == 1 ? part & ~LARGE : part;
    }

    @Override
    boolean supportsLeaf(int level, Capabilities capabilities) {
        return capabilities.supportsLeaf(level);
    }

    @Override
    long reserved(long entry, int level, Capabilities capabilities) {
        if (!isLeaf(entry, level)) {
            return TRANSIENT | SNOOP;
        }
        long low = span(level) - span(0);
        return TRANSIENT | low | (capabilities.snoopControl() ? 0 : SNOOP);
    }
}
