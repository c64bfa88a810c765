package org.iommu4j.pagetable;

import java.util.Arrays;

/** Which leaves of one table are dirty, in ascending order of being found. Used by one thread. */
final class DirtyLeaves {

    private final long[] bits;
    private int first;
    private int end;

    /** Of a table with so many entries; none is dirty yet. */
    DirtyLeaves(int entries) {
        bits = new long[(entries + Long.SIZE - 1) / Long.SIZE];
    }

    void forget() {
        Arrays.fill(bits, 0);
        end = 0;
    }

    /** Marks neighbouring entries, at least one, behind all that are marked. */
    void mark(int from, int count) {
        first = end == 0 ? from : first;
        end = from + count;
        for (int at = from; at < end; at = (at | Long.SIZE - 1) + 1) {
            int here = Math.min(end - at, Long.SIZE - at % Long.SIZE);
            bits[at / Long.SIZE] |= -1L >>> Long.SIZE - here << at;
        }
    }

    boolean isEmpty() {
        return end == 0;
    }

    /** The first that is marked. */
    int first() {
        return first;
    }

    /** Behind the last that is marked. */
    int end() {
        return end;
    }

    /** A bit for each entry, beginning with the lowest of the first word; not a copy. */
    long[] bits() {
        return bits;
    }
}
