package org.iommu4j.emulator;

import org.jspecify.annotations.Nullable;

/**
 * The translations that a device keeps of one address space: pages of 4 KiB, 2 MiB and 1 GiB at the
 * same time, large ones whole. An address may be found in several sizes.
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

    /** A translation as it is kept: found by its page alone. */
    private static final class Entry extends TagArray.Tagged {
        private final Translation translation;

        private Entry(long tag, Translation translation) {
            super(tag, NO_SPACE);
            this.translation = translation;
        }
    }

    private final TagArray<Entry> small;
    private final TagArray<Entry> middle;
    private final TagArray<Entry> large;
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
        this.small = new TagArray<>(room, ways);
        this.middle = new TagArray<>(Math.max(room / 4, 4), ways);
        this.large = new TagArray<>(Math.max(room / 16, 4), ways);
        this.dice = dice;
    }

    /** {@return a translation of an address, or null} */
    @Nullable Translation find(long iova) {
        int first = dice == null ? 0 : dice.below(SIZES);
        for (int i = 0; i < SIZES; i++) {
            int shift = SMALL + 9 * ((first + i) % SIZES);
            Entry found = ofSize(shift).find(tag(iova, shift), TagArray.Tagged.NO_SPACE);
            if (found != null && (dice == null || !dice.oneIn(4))) {
                return found.translation;
            }
        }
        return null;
    }

    void put(Translation translation, long iova) {
        int shift = translation.shift;
        ofSize(shift).put(new Entry(tag(iova, shift), translation));
    }

    /**
     * Drops every translation that has an address in a range.
     *
     * @param iova first address; aligned to the range's size
     * @param shift the range's size, as a power of two; 12 or more
     */
    void dropRange(long iova, int shift) {
        for (int size = SMALL; size <= LARGE; size += 9) {
            TagArray<Entry> entries = ofSize(size);
            if (shift <= size) {
                entries.remove(tag(iova, size), TagArray.Tagged.NO_SPACE);
            } else {
                entries.removeRange(
                        0, TagArray.Tagged.NO_SPACE, iova >>> size, shift - size, _ -> true);
            }
        }
    }

    void dropAll() {
        small.clear();
        middle.clear();
        large.clear();
    }

    private static long tag(long iova, int shift) {
        return TagArray.Tagged.tag(0, iova >>> shift);
    }

    private TagArray<Entry> ofSize(int shift) {
        return switch (shift) {
            case SMALL -> small;
            case LARGE -> large;
            default -> middle;
        };
    }
}
