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

    private final TranslationArray small;
    private final TranslationArray middle;
    private final TranslationArray large;
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
        this.small = new TranslationArray(SMALL, room, ways, replacing);
        this.middle = new TranslationArray(MIDDLE, Math.max(room / 4, 4), ways, replacing);
        this.large = new TranslationArray(LARGE, Math.max(room / 16, 4), ways, replacing);
        this.dice = dice;
    }

    /**
     * Looks for a translation of an address; PASIDs as in {@link #dropRange}.
     *
     * @param target becomes what is found; else it may be anything afterwards
     * @return true if there is one
     */
    boolean find(int domain, int pasid, long iova, Translation target) {
        if (dice != null) {
            return findAny(domain, pasid, iova, target, dice);
        }
        return small.find(tag(domain, iova, SMALL), pasid, target)
                || middle.find(tag(domain, iova, MIDDLE), pasid, target)
                || large.find(tag(domain, iova, LARGE), pasid, target);
    }

    /**
     * Says where an address lies, where nothing vanishes; as {@link TranslationArray#physical}.
     * PASIDs as in {@link #dropRange}.
     */
    long physical(int domain, int pasid, long iova, int wanted) {
        long found = small.physical(tag(domain, iova, SMALL), pasid, iova, wanted);
        if (found == TranslationArray.NONE) {
            found = middle.physical(tag(domain, iova, MIDDLE), pasid, iova, wanted);
            if (found == TranslationArray.NONE) {
                found = large.physical(tag(domain, iova, LARGE), pasid, iova, wanted);
            }
        }
        return found;
    }

    /* Of the sizes that are there any, and any may have vanished. */
    private boolean findAny(int domain, int pasid, long iova, Translation target, Dice dice) {
        int first = (int) Long.remainderUnsigned(dice.next(), 3);
        for (int i = 0; i < 3; i++) {
            int shift = SMALL + 9 * ((first + i) % 3);
            if (ofSize(shift).find(tag(domain, iova, shift), pasid, target) && !dice.oneIn(4)) {
                return true;
            }
        }
        return false;
    }

    /** Keeps the translation of an address; PASIDs as in {@link #dropRange}. */
    void put(int domain, int pasid, long iova, Translation translation) {
        int shift = translation.shift();
        ofSize(shift).put(tag(domain, iova, shift), pasid, translation);
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
            TranslationArray translations = ofSize(shift);
            long first = iova >>> shift;
            if (bits < 20 && 1 << bits <= translations.room() / 4) {
                for (long prefix = first; prefix < first + (1L << bits); prefix++) {
                    translations.remove(TagArray.Tagged.tag(domain, prefix), pasid);
                }
            } else {
                translations.removeRange(domain, pasid, first, bits);
            }
        }
    }

    /** Drops every translation of an address; PASIDs as in {@link #dropRange}. */
    void dropPage(int domain, int pasid, long iova) {
        for (int shift = SMALL; shift <= LARGE; shift += 9) {
            ofSize(shift).remove(tag(domain, iova, shift), pasid);
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

    private static long tag(int domain, long iova, int shift) {
        return TagArray.Tagged.tag(domain, iova >>> shift);
    }

    private TranslationArray ofSize(int shift) {
        return switch (shift) {
            case SMALL -> small;
            case MIDDLE -> middle;
            default -> large;
        };
    }
}
