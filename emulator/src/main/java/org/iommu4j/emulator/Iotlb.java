package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The IOTLB: translations of 4 KiB, 2 MiB and 1 GiB at the same time, found by domain id, PASID and
 * address, those of second stage by domain id and address only. An address may be found in several
 * sizes.
 *
 * <p>Lookups take no lock; changes are made under that of {@link TranslationCaches}.
 */
final class Iotlb {

    private static final int SMALL = 12;
    private static final int MIDDLE = 21;
    private static final int LARGE = 30;

    private final TagArray<Translation> small;
    private final TagArray<Translation> middle;
    private final TagArray<Translation> large;
    private final @Nullable Dice dice;

    /**
     * Makes an empty one.
     *
     * @param room how many translations of 4 KiB it holds
     * @param ways how many a set has
     * @param replacing decide which makes place in a full set; null: the oldest
     * @param dice decide what vanishes; null: nothing
     */
    Iotlb(int room, int ways, @Nullable Dice replacing, @Nullable Dice dice) {
        this.small = new TagArray<>(room, ways, replacing);
        this.middle = new TagArray<>(Math.max(room / 4, 4), ways, replacing);
        this.large = new TagArray<>(Math.max(room / 16, 4), ways, replacing);
        this.dice = dice;
    }

    /** {@return a translation of an address, or null; PASIDs as in {@link #dropRange}} */
    @Nullable Translation find(int domain, int pasid, long iova) {
        if (dice != null) {
            return findAny(domain, pasid, iova, dice);
        }
        Translation found = small.find(Translation.tag(domain, iova >>> SMALL), pasid);
        if (found == null) {
            found = middle.find(Translation.tag(domain, iova >>> MIDDLE), pasid);
            if (found == null) {
                found = large.find(Translation.tag(domain, iova >>> LARGE), pasid);
            }
        }
        return found;
    }

    /* Of the sizes that are there any, and any may have vanished. */
    private @Nullable Translation findAny(int domain, int pasid, long iova, Dice dice) {
        int first = (int) Long.remainderUnsigned(dice.next(), 3);
        for (int i = 0; i < 3; i++) {
            int shift = SMALL + 9 * ((first + i) % 3);
            Translation found = ofSize(shift).find(Translation.tag(domain, iova >>> shift), pasid);
            if (found != null && !dice.oneIn(4)) {
                return found;
            }
        }
        return null;
    }

    void put(Translation translation) {
        ofSize(translation.shift).put(translation);
    }

    /**
     * Drops every translation that lies wholly inside a range.
     *
     * @param domain domain id
     * @param pasid whose translations, or {@link SourceId#NO_PASID} for those of second stage
     * @param iova first address; aligned to the range's size
     * @param mask the number of pages of 4 KiB, as a power of two
     */
    void dropRange(int domain, int pasid, long iova, int mask) {
        for (int shift = SMALL; shift <= LARGE && shift <= mask + SMALL; shift += 9) {
            int bits = mask + SMALL - shift;
            TagArray<Translation> translations = ofSize(shift);
            long first = iova >>> shift;
            if (bits < 20 && 1 << bits <= translations.room() / 4) {
                for (long prefix = first; prefix < first + (1L << bits); prefix++) {
                    translations.remove(Translation.tag(domain, prefix), pasid);
                }
            } else {
                translations.removeRange(domain, pasid, first, bits, _ -> true);
            }
        }
    }

    /** Drops every translation of an address; PASIDs as in {@link #dropRange}. */
    void dropPage(int domain, int pasid, long iova) {
        for (int shift = SMALL; shift <= LARGE; shift += 9) {
            ofSize(shift).remove(Translation.tag(domain, iova >>> shift), pasid);
        }
    }

    void dropDomain(int domain, int pasid) {
        for (int shift = SMALL; shift <= LARGE; shift += 9) {
            ofSize(shift).removeAll(domain, pasid);
        }
    }

    void dropAll() {
        for (int shift = SMALL; shift <= LARGE; shift += 9) {
            ofSize(shift).clear();
        }
    }

    private TagArray<Translation> ofSize(int shift) {
        return switch (shift) {
            case SMALL -> small;
            case MIDDLE -> middle;
            default -> large;
        };
    }
}
