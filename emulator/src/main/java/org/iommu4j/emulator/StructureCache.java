package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The paging-structure caches: for each level above the last, entries that point to a table below.
 * A hit saves the walk the levels above.
 *
 * <p>Lookups take no lock; changes are made under that of {@link TranslationCaches}.
 */
final class StructureCache {

    /** The highest level that an entry can have: that of five levels of tables. */
    private static final int TOP = 4;

    private final EntryArray<TablePointer>[] levels;
    private final @Nullable Dice dice;

    @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
    StructureCache(int room, int ways, @Nullable Dice dice) {
        this.levels = new EntryArray[TOP + 1];
        for (int level = 1; level <= TOP; level++) {
            levels[level] = new EntryArray<>(room, ways);
        }
        this.dice = dice;
    }

    /** {@return the entry of a level on the way to an address, or null} */
    @Nullable TablePointer find(Context context, long iova, int level) {
        long tag = TablePointer.tag(context.domain, iova, level);
        TablePointer found = levels[level].find(tag, context.cachedPasid);
        return found != null && dice != null && dice.oneIn(8) ? null : found;
    }

    void put(TablePointer pointer) {
        levels[pointer.level].put(pointer);
    }

    /**
     * Drops every entry on the way to an address of a range.
     *
     * @param domain domain id
     * @param pasid whose tables, or {@link SourceId#NO_PASID} for those of second stage
     * @param iova first address; aligned to the range's size
     * @param mask the number of pages of 4 KiB, as a power of two
     */
    void dropRange(int domain, int pasid, long iova, int mask) {
        for (int level = 1; level <= TOP; level++) {
            int bits = Math.max(0, 12 + mask - TablePointer.shift(level));
            long prefix = iova >>> TablePointer.shift(level);
            if (bits == 0) {
                levels[level].remove(TablePointer.tag(domain, iova, level), pasid);
            } else {
                levels[level].removeRange(domain, pasid, prefix, bits);
            }
        }
    }

    /**
     * Drops what is not present and lies wholly inside a range: a leaf may have come there.
     *
     * @param domain domain id
     * @param pasid whose tables, or {@link SourceId#NO_PASID} for those of second stage
     * @param iova first address; aligned to the range's size
     * @param mask the number of pages of 4 KiB, as a power of two
     */
    void dropAbsent(int domain, int pasid, long iova, int mask) {
        for (int level = 1; level <= TOP && TablePointer.shift(level) <= mask + 12; level++) {
            int bits = 12 + mask - TablePointer.shift(level);
            long prefix = iova >>> TablePointer.shift(level);
            levels[level].removeRange(domain, pasid, prefix, bits, found -> !found.isPresent());
        }
    }

    void dropDomain(int domain, int pasid) {
        for (int level = 1; level <= TOP; level++) {
            levels[level].removeAll(domain, pasid);
        }
    }

    void dropAll() {
        for (int level = 1; level <= TOP; level++) {
            levels[level].clear();
        }
    }
}
