package org.iommu4j.emulator;

import org.jspecify.annotations.Nullable;

/**
 * A set-associative array, the shape of every cache of translations and table pointers. An entry is
 * found by its tag, which is made of an id and an address prefix, and by its space, a second id
 * that most entries do not need; where a set is full, its oldest entry makes place, or any if dice
 * decide. What an entry holds is the matter of {@link EntryArray} and {@link TranslationArray}.
 *
 * <p>Any thread may look up, without a lock. Changes are made by one thread at a time, which the
 * caller sees to.
 */
abstract class TagArray {

    /** Something that can be cached. */
    abstract static class Tagged {

        /** The space of what needs none. */
        static final int NO_SPACE = -1;

        private static final int ID_BITS = 16;
        private static final int PREFIX_BITS = 45;
        private static final long VALID = 1L << ID_BITS + PREFIX_BITS;

        /** What it is found by. */
        final long tag;

        /** What it is found by, too; {@link #NO_SPACE} or not negative. */
        final int space;

        Tagged(long tag, int space) {
            this.tag = tag;
            this.space = space;
        }

        /**
         * Makes a tag.
         *
         * @param id 16 bits
         * @param prefix an I/O virtual address, shifted right; 45 bits of it count
         */
        static long tag(int id, long prefix) {
            return VALID | (prefix << ID_BITS | id) & VALID - 1;
        }
    }

    private static final long MIX = 0x9e3779b97f4a7c15L;
    /* Where a space gets into the hash: above the bits that neighbouring prefixes differ in. */
    private static final int SPACE_SHIFT = 29;

    private final int ways;
    private final int hashShift;
    /* To who looks up, hints without memory order; a tag of 0 is a place without an entry. */
    private final long[] tags;
    private final int[] spaces;
    private final int[] oldest;
    private final @Nullable Dice replacing;

    /**
     * Makes an empty array.
     *
     * @param room how many entries, rounded up to a power of two
     * @param waysWanted how many entries a set has; a power of two
     * @param replacing decide which entry of a full set makes place; null: the oldest
     */
    TagArray(int room, int waysWanted, @Nullable Dice replacing) {
        this.replacing = replacing;
        int size = Integer.highestOneBit(Math.max(room, 2) * 2 - 1);
        this.ways = Math.min(waysWanted, size / 2);
        int sets = size / ways;
        this.hashShift = Long.SIZE - Integer.numberOfTrailingZeros(sets);
        this.tags = new long[size];
        this.spaces = new int[size];
        this.oldest = new int[sets];
    }

    /** {@return the first of the places where a tag and a space may be} */
    final int firstPlace(long tag, int space) {
        return setOf(tag, space) * ways;
    }

    /** {@return how many places there are, from the first on, where a tag may be} */
    final int ways() {
        return ways;
    }

    /** {@return true if a place seems to have a tag and a space} */
    final boolean has(int place, long tag, int space) {
        return tags[place] == tag && spaces[place] == space;
    }

    /** {@return true if a place has an entry, to who makes changes} */
    final boolean isTaken(int place) {
        return tags[place] != 0;
    }

    /** {@return a place for an entry: where one is that is found alike, or another} */
    final int placeFor(long tag, int space) {
        int set = setOf(tag, space);
        return set * ways + wayFor(tag, space, set);
    }

    /** Gives a place a tag and a space. */
    final void mark(int place, long tag, int space) {
        tags[place] = tag;
        spaces[place] = space;
    }

    /** Takes a place its entry. */
    void drop(int place) {
        tags[place] = 0;
    }

    /** Removes the entry of a tag and a space, if there is one. */
    void remove(long tag, int space) {
        int first = setOf(tag, space) * ways;
        for (int i = first; i < first + ways; i++) {
            if (has(i, tag, space)) {
                drop(i);
            }
        }
    }

    /** Removes every entry of an id and a space. */
    void removeAll(int id, int space) {
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] != 0
                    && (int) tags[i] << Short.SIZE == id << Short.SIZE
                    && spaces[i] == space) {
                drop(i);
            }
        }
    }

    /**
     * Removes the entries of an id and a space whose prefixes agree with one in their upper bits.
     *
     * @param id the id
     * @param space the space
     * @param prefix the prefix
     * @param bits how many of the lower bits need not agree
     */
    void removeRange(int id, int space, long prefix, int bits) {
        for (int i = 0; i < tags.length; i++) {
            if (isInRange(i, id, space, prefix, bits)) {
                drop(i);
            }
        }
    }

    /** {@return true if {@link #removeRange} removes what is at a place} */
    final boolean isInRange(int place, int id, int space, long prefix, int bits) {
        int shift = Math.min(bits, Tagged.PREFIX_BITS) + Tagged.ID_BITS;
        return tags[place] >>> shift == Tagged.tag(id, prefix) >>> shift
                && spaces[place] == space
                && ((int) tags[place] & 0xffff) == id;
    }

    /** Removes everything. */
    void clear() {
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] != 0) {
                drop(i);
            }
        }
    }

    /** {@return the room, in entries} */
    int room() {
        return tags.length;
    }

    private int wayFor(long tag, int space, int set) {
        int empty = -1;
        for (int way = ways - 1; way >= 0; way--) {
            int place = set * ways + way;
            if (has(place, tag, space)) {
                return way;
            }
            if (tags[place] == 0) {
                empty = way;
            }
        }
        if (empty >= 0) {
            return empty;
        }
        if (replacing != null) {
            return replacing.below(ways);
        }
        int victim = oldest[set];
        oldest[set] = (victim + 1) % ways;
        return victim;
    }

    private int setOf(long tag, int space) {
        return (int) ((tag ^ (long) space << SPACE_SHIFT) * MIX >>> hashShift);
    }
}
