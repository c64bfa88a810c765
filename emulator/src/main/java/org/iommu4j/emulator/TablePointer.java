package org.iommu4j.emulator;

/**
 * What a paging-structure cache holds: an entry that points to the table below, with what all
 * entries down to it permit; or, with caching mode, that there is none. Immutable.
 */
final class TablePointer extends TagArray.Tagged {

    /** The level of the entry; the table is one level lower. */
    final int level;

    /** The physical address of the table. */
    final long table;

    /** What the entries so far permit; 0 if the entry is not present. */
    final int access;

    /** The root of the tables that this was read in. */
    final long root;

    /** The moment of it, for the audit. */
    final long asOf;

    TablePointer(
            Context context, long iova, int level, long table, int access, long root, long asOf) {
        super(tag(context.domain, iova, level), context.cachedPasid);
        this.level = level;
        this.table = table;
        this.access = access;
        this.root = root;
        this.asOf = asOf;
    }

    /** {@return the tag of an entry at a level, on the way to an address} */
    static long tag(int domain, long iova, int level) {
        return tag(domain, iova >>> shift(level));
    }

    /** {@return the size of what an entry of a level covers, as a power of two} */
    static int shift(int level) {
        return 12 + 9 * level;
    }

    boolean isPresent() {
        return access != 0;
    }
}
