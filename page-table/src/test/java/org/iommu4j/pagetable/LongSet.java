package org.iommu4j.pagetable;

import java.util.Arrays;

/** A set of hashes, without an object each: the states that an exploration has been in. */
final class LongSet {

    private long[] slots = new long[1 << 12];
    private int size;

    /** Adds a value; false if it is there already. */
    boolean add(long value) {
        long nonZero = value == 0 ? 1 : value;
        if (2 * size >= slots.length) {
            grow();
        }
        if (!put(nonZero)) {
            return false;
        }
        size++;
        return true;
    }

    void clear() {
        Arrays.fill(slots, 0);
        size = 0;
    }

    int size() {
        return size;
    }

    private boolean put(long value) {
        int mask = slots.length - 1;
        int at = (int) (value ^ value >>> 32) & mask;
        while (slots[at] != 0) {
            if (slots[at] == value) {
                return false;
            }
            at = at + 1 & mask;
        }
        slots[at] = value;
        return true;
    }

    private void grow() {
        long[] old = slots;
        slots = new long[2 * old.length];
        Arrays.stream(old).filter(value -> value != 0).forEach(this::put);
    }
}
