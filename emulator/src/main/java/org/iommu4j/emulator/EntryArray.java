package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A {@link TagArray} of objects.
 *
 * @param <E> what is cached; immutable
 */
final class EntryArray<E extends TagArray.Tagged> extends TagArray {

    private final AtomicReferenceArray<@Nullable E> entries;

    /**
     * Makes an empty array in which the oldest entry of a full set makes place.
     *
     * @param room how many entries, rounded up to a power of two
     * @param waysWanted how many entries a set has; a power of two
     */
    EntryArray(int room, int waysWanted) {
        super(room, waysWanted, null);
        this.entries = new AtomicReferenceArray<>(room());
    }

    /** {@return the entry of a tag and a space, or null} */
    @Nullable E find(long tag, int space) {
        int first = firstPlace(tag, space);
        for (int i = first; i < first + ways(); i++) {
            if (has(i, tag, space)) {
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
        int place = placeFor(entry.tag, entry.space);
        entries.set(place, entry);
        mark(place, entry.tag, entry.space);
    }

    /** Removes every entry that a condition holds for. */
    void removeIf(Predicate<? super E> condition) {
        for (int i = 0; i < room(); i++) {
            E entry = isTaken(i) ? entries.getPlain(i) : null;
            if (entry != null && condition.test(entry)) {
                drop(i);
            }
        }
    }

    /** As {@link #removeRange(int, int, long, int)}, of entries that a condition holds for. */
    void removeRange(int id, int space, long prefix, int bits, Predicate<? super E> condition) {
        for (int i = 0; i < room(); i++) {
            E entry = isInRange(i, id, space, prefix, bits) ? entries.getPlain(i) : null;
            if (entry != null && condition.test(entry)) {
                drop(i);
            }
        }
    }

    @Override
    void drop(int place) {
        super.drop(place);
        entries.set(place, null);
    }
}
