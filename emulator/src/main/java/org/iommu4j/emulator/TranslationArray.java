package org.iommu4j.emulator;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/*
 * A place is written again and again, so that a miss makes no object. Its version is odd while it is being written, and
 * grows with each change: who has read an even one before the words and the same behind them has words that belong
 * together. Versions are volatile, so that who comes after a change does not find what was there before.
 */

/** A {@link TagArray} of the translations of one page size, as words. */
final class TranslationArray extends TagArray {

    /* The words of a place. */
    private static final int BASE = 0;
    private static final int RIGHTS = 1;
    private static final int ROOT = 2;
    private static final int AS_OF = 3;
    private static final int WORDS = 4;

    /** There is no such translation. */
    static final long NONE = -1;

    /** There is one, which does not permit what is wanted, or not at once. */
    static final long NOT_READY = -2;

    private final int shift;
    private final AtomicIntegerArray versions;
    private final long[] words;

    /**
     * Makes an empty array.
     *
     * @param shift the size of its pages, as a power of two
     * @param room how many translations, rounded up to a power of two
     * @param waysWanted how many a set has; a power of two
     * @param replacing decide which makes place in a full set; null: the oldest
     */
    TranslationArray(int shift, int room, int waysWanted, @Nullable Dice replacing) {
        super(room, waysWanted, replacing);
        this.shift = shift;
        this.versions = new AtomicIntegerArray(room());
        this.words = new long[room() * WORDS];
    }

    /**
     * Says where an address lies; the short way of {@link #find} and {@link Translation#ready}.
     *
     * @param tag the tag
     * @param space the space
     * @param iova an address in the page
     * @param wanted what a request wants
     * @return the physical address, {@link #NOT_READY} or {@link #NONE}
     */
    long physical(long tag, int space, long iova, int wanted) {
        int first = firstPlace(tag, space);
        for (int i = first; i < first + ways(); i++) {
            if (has(i, tag, space)) {
                int version = versions.get(i);
                long base = words[i * WORDS + BASE];
                int rights = (int) words[i * WORDS + RIGHTS];
                if (isOf(i, version, tag, space) && isStill(i, version)) {
                    boolean ready = (Translation.ready(rights) & wanted) == wanted;
                    return ready ? base | iova & (1L << shift) - 1 : NOT_READY;
                }
            }
        }
        return NONE;
    }

    /**
     * Looks up.
     *
     * @param tag the tag
     * @param space the space
     * @param target becomes what is found; else it may be anything afterwards
     * @return true if there is one
     */
    boolean find(long tag, int space, Translation target) {
        int first = firstPlace(tag, space);
        for (int i = first; i < first + ways(); i++) {
            if (has(i, tag, space) && read(i, tag, space, target)) {
                return true;
            }
        }
        return false;
    }

    private boolean read(int place, long tag, int space, Translation target) {
        int version = versions.get(place);
        int at = place * WORDS;
        target.page(
                shift,
                words[at + BASE],
                (int) words[at + RIGHTS],
                words[at + ROOT],
                words[at + AS_OF]);
        return isOf(place, version, tag, space) && isStill(place, version);
    }

    private boolean isOf(int place, int version, long tag, int space) {
        return (version & 1) == 0 && has(place, tag, space);
    }

    private boolean isStill(int place, int version) {
        VarHandle.loadLoadFence();
        return versions.getOpaque(place) == version;
    }

    /** Adds a translation, in place of one that is found alike, or of another one of a full set. */
    void put(long tag, int space, Translation translation) {
        int place = placeFor(tag, space);
        int version = versions.getPlain(place);
        versions.setPlain(place, version + 1);
        VarHandle.storeStoreFence();
        mark(place, tag, space);
        int at = place * WORDS;
        words[at + BASE] = translation.base();
        words[at + RIGHTS] = translation.rights();
        words[at + ROOT] = translation.root();
        words[at + AS_OF] = translation.asOf();
        versions.set(place, version + 2);
    }

    @Override
    void drop(int place) {
        super.drop(place);
        versions.set(place, versions.getPlain(place) + 2);
    }
}
