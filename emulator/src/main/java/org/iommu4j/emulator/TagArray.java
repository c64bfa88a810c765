package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A set-associative array, the shape of every cache of translations and table pointers. An entry is
 * found by its tag, which is made of an address prefix and a domain id; where a set is full, its
 * oldest entry makes place, or any if dice decide.
 *
 * <p>Any thread may look up, without a lock. Changes are made by one thread at a time, which the
 * caller sees to.
 *
 * @param <E> what is cached; immutable
 */
final class TagArray<E extends TagArray.Tagged> {

    /** Something that can be cached. */
    abstract static class Tagged {
        private static final int DOMAIN_BITS = 16;
        private static final int PREFIX_BITS = 45;
        private static final long VALID = 1L << DOMAIN_BITS + PREFIX_BITS;

        /** What it is found by. */
        final long tag;

        Tagged(long tag) {
            this.tag = tag;
        }

        /**
         * Makes a tag.
         *
         * @param domain a domain id
         * @param prefix an I/O virtual address, shifted right; at most 45 bits
         */
        static long tag(int domain, long prefix) {
            return VALID | prefix << DOMAIN_BITS | domain;
        }

        /** {@return the domain id in the tag} */
        final int domain() {
            return (int) tag & 0xffff;
        }

        /** {@return the address prefix in the tag} */
        final long prefix() {
            return (tag & ~VALID) >>> DOMAIN_BITS;
        }
    }

    private static final long MIX = 0x9e3779b97f4a7c15L;

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

    /** {@return the entry of a tag, or null} */
    @Nullable E find(long tag) {
        int first = setOf(tag) * ways;
        for (int i = first; i < first + ways; i++) {
            if (tags[i] == tag) {
                E entry = entries.get(i);
                if (entry != null && entry.tag == tag) {
                    return entry;
                }
            }
        }
        return null;
    }

    /** Adds an entry, in place of one of the same tag, or of another one of a full set. */
    void put(E entry) {
        int set = setOf(entry.tag);
        int place = set * ways + placeFor(entry.tag, set);
        entries.set(place, entry);
        tags[place] = entry.tag;
    }

    /** Removes the entry of a tag, if there is one. */
    void remove(long tag) {
        int first = setOf(tag) * ways;
        for (int i = first; i < first + ways; i++) {
            if (tags[i] == tag) {
                drop(i);
            }
        }
    }

    /** Removes every entry of a domain. */
    void removeDomain(int domain) {
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] != 0 && (int) tags[i] << Short.SIZE == domain << Short.SIZE) {
                drop(i);
            }
        }
    }

    /**
     * Removes the entries of a domain whose prefixes agree with one in their upper bits, and that a
     * condition holds for.
     *
     * @param domain the domain id
     * @param prefix the prefix
     * @param bits how many of the lower bits need not agree
     * @param condition what else must hold
     */
    void removeRange(int domain, long prefix, int bits, Predicate<? super E> condition) {
        int shift = Math.min(bits, Tagged.PREFIX_BITS) + Tagged.DOMAIN_BITS;
        long upper = Tagged.tag(domain, prefix) >>> shift;
        for (int i = 0; i < tags.length; i++) {
            if (tags[i] >>> shift == upper) {
                E entry = entries.getPlain(i);
                if (entry != null && entry.domain() == domain && condition.test(entry)) {
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

    private int placeFor(long tag, int set) {
        int empty = -1;
        for (int way = ways - 1; way >= 0; way--) {
            long found = tags[set * ways + way];
            if (found == tag) {
                return way;
            }
            if (found == 0) {
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

    private int setOf(long tag) {
        return (int) (tag * MIX >>> hashShift);
    }
}
