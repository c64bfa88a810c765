package org.iommu4j.emulator;

import org.jspecify.annotations.Nullable;

/**
 * The translations that a device keeps, of all address spaces: pages of 4 KiB, 2 MiB and 1 GiB at
 * the same time, large ones whole. An address may be found in several sizes. A PASID may be {@link
 * org.iommu4j.machine.SourceId#NO_PASID}.
 *
 * <p>Lookups take no lock; changes are made under that of {@link AddressTranslation}.
 */
final class DeviceTlb {

    private static final int USUAL_WAYS = 4;
    /* So many that in practice nothing leaves while there is room. */
    private static final int MANY_WAYS = 16;

    private static final int SMALL = 12;
    private static final int LARGE = 30;
    private static final int SIZES = 3;

    /** A translation as it is kept: found by its page and its address space. */
    private static final class Entry extends TagArray.Tagged {
        private final Translation translation;
        private final long first;

        private Entry(int pasid, long iova, Translation translation) {
            super(pageTag(iova, translation.shift()), pasid);
            this.translation = translation;
            this.first = iova & -1L << translation.shift();
        }

        private boolean touches(long iova, int shift) {
            int larger = Math.max(shift, translation.shift());
            return larger >= Long.SIZE || first >>> larger == iova >>> larger;
        }
    }

    private final EntryArray<Entry> small;
    private final EntryArray<Entry> middle;
    private final EntryArray<Entry> large;
    private final @Nullable Dice dice;

    /**
     * Makes an empty one.
     *
     * @param options of the machine: how much a cache holds, and how well
     * @param dice decide what vanishes; null: nothing
     */
    DeviceTlb(EmulatorOptions options, @Nullable Dice dice) {
        int room = options.iotlbEntries();
        int ways = options.caches() == CacheBehaviour.KEEPS_EVERYTHING ? MANY_WAYS : USUAL_WAYS;
        this.small = new EntryArray<>(room, ways);
        this.middle = new EntryArray<>(Math.max(room / 4, 4), ways);
        this.large = new EntryArray<>(Math.max(room / 16, 4), ways);
        this.dice = dice;
    }

    /**
     * Looks up. What permits less than is wanted is passed over: a larger page that permits more
     * may be there too.
     *
     * @param pasid the address space
     * @param iova the address
     * @param wanted {@link Translation#READ} and {@link Translation#WRITE}
     * @return a translation that permits what is wanted, or null
     */
    @Nullable Translation find(int pasid, long iova, int wanted) {
        int first = dice == null ? 0 : dice.below(SIZES);
        for (int i = 0; i < SIZES; i++) {
            int shift = SMALL + 9 * ((first + i) % SIZES);
            Entry found = ofSize(shift).find(pageTag(iova, shift), pasid);
            if (found != null
                    && (found.translation.ready() & wanted) == wanted
                    && (dice == null || !dice.oneIn(4))) {
                return found.translation;
            }
        }
        return null;
    }

    /** Keeps the translation of an address. */
    void put(int pasid, long iova, Translation translation) {
        ofSize(translation.shift()).put(new Entry(pasid, iova, translation));
    }

    /**
     * Drops every translation of an address space that has an address in a range.
     *
     * @param pasid the address space
     * @param iova first address; aligned to the range's size
     * @param shift the range's size, as a power of two; 12 or more, 64 for everything
     */
    void dropRange(int pasid, long iova, int shift) {
        for (int size = SMALL; size <= LARGE; size += 9) {
            EntryArray<Entry> entries = ofSize(size);
            if (shift >= Long.SIZE) {
                entries.removeAll(0, pasid);
            } else if (shift <= size) {
                entries.remove(pageTag(iova, size), pasid);
            } else {
                entries.removeRange(0, pasid, iova >>> size, shift - size);
            }
        }
    }

    /** The same for all address spaces that have an id. */
    void dropRangeOfAll(long iova, int shift) {
        for (int size = SMALL; size <= LARGE; size += 9) {
            ofSize(size)
                    .removeIf(entry ->
                            entry.space != TagArray.Tagged.NO_SPACE && entry.touches(iova, shift));
        }
    }

    void dropAll() {
        small.clear();
        middle.clear();
        large.clear();
    }

    private static long pageTag(long iova, int shift) {
        return TagArray.Tagged.tag(0, iova >>> shift);
    }

    private EntryArray<Entry> ofSize(int shift) {
        return switch (shift) {
            case SMALL -> small;
            case LARGE -> large;
            default -> middle;
        };
    }
}
