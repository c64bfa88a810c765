package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A set-associative array, the shape of every cache of translations and table pointers. An entry is
 * found by its tag, which is made of an id and an address prefix, and by its space, a second id
 * that most entries do not need; where a set is full, its oldest entry makes place, or any if dice
 * decide.
 *
 * <p>Any thread may look up, without a lock. Changes are made by one thread at a time, which the
 * caller sees to.
 *
 * @param <E> what is cached; immutable
 */
final class TagArray<E extends TagArray.Tagged> {

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

        /** {@return the id in the tag} */
        final int id() {
            return (int) tag & 0xffff;
        }
    }

    private static final long MIX = 0x9e3779b97f4a7c15L;
    /* Where a space gets into the hash: above the bits that neighbouring prefixes differ in. */
    private static final int SPACE_SHIFT = 29;

    private final int ways;
    private final int hashShift;
    /* A hint without memory order: what counts is the tag of the entry. */
    private final long[] tags;
    private final AtomicReferenceArray<@Nullable E> entries;
    private final int[] oldest;
    private final @Nullable Dice replacing;

    /** Makes an empty array in which the oldest entry of a full set makes place. */
    TagArray(int room, int waysWanted) {
        this(room, waysWanted, null);
    }

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
        this.entries = new AtomicReferenceArray<>(size);
        this.oldest = new int[sets];
    }

    /** {@return the entry of a tag and a space, or null} */
    @Nullable E find(long tag, int space) {
        int first = setOf(tag, space) * ways;
        for (int i = first; i < first + ways; i++) {
            if (tags[i] == tag) {
                E entry = entries.get(i);
                if (entry != null && entry.tag == tag && entry.space == space) {
                    return entry;
                }
            }
        }
        return null;
    }

    /** Adds an entry, in place of one that is found alike, or of another one of a full set. */
    void put(E entry) {
        int set = setOf(entry.tag, entry.space);
        int place = set * ways + placeFor(entry, set);
        entries.set(place, entry);
        tags[place] = entry.tag;
    }

    /** Removes the entry of a tag and a space, if there is one. */
    void remove(long tag, int space) {
        int first = setOf(tag, space) * ways;
        for (int i = first; i < first + ways; i++) {
            if (tags[i] == tag && isOf(entries.getPlain(i), space)) {
                drop(i);
            }
        }
    }

    /** Removes every entry of an id and a space. */
    void removeAll(int id, int space) {
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] != 0
                    && (int) tags[i] << Short.SIZE == id << Short.SIZE
                    && isOf(entries.getPlain(i), space)) {
                drop(i);
            }
        }
    }

    /** Removes every entry that a condition holds for. */
    void removeIf(Predicate<? super E> condition) {
        for (int i = 0; i < tags.length; i++) {
            E entry = tags[i] == 0 ? null : entries.getPlain(i);
            if (entry != null && condition.test(entry)) {
                drop(i);
            }
        }
    }

    /**
     * Removes the entries of an id and a space whose prefixes agree with one in their upper bits,
     * and that a condition holds for.
     *
     * @param id the id
     * @param space the space
     * @param prefix the prefix
     * @param bits how many of the lower bits need not agree
     * @param condition what else must hold
     */
    void removeRange(int id, int space, long prefix, int bits, Predicate<? super E> condition) {
        int shift = Math.min(bits, Tagged.PREFIX_BITS) + Tagged.ID_BITS;
        long upper = Tagged.tag(id, prefix) >>> shift;
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] >>> shift == upper) {
                E entry = entries.getPlain(i);
                if (entry != null
                        && entry.space == space
                        && entry.id() == id
                        && condition.test(entry)) {
                    drop(i);
                }
            }
        }
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

    private int placeFor(E entry, int set) {
        int empty = -1;
        for (int way = ways - 1; way >= 0; way--) {
            int place = set * ways + way;
            if (tags[place] == entry.tag && isOf(entries.getPlain(place), entry.space)) {
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

    private void drop(int place) {
        tags[place] = 0;
        entries.set(place, null);
    }

    private static boolean isOf(@Nullable Tagged entry, int space) {
        return entry != null && entry.space == space;
    }

    private int setOf(long tag, int space) {
        return (int) ((tag ^ (long) space << SPACE_SHIFT) * MIX >>> hashShift);
    }
}
