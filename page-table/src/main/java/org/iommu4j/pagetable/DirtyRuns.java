package org.iommu4j.pagetable;

import org.iommu4j.api.DirtySink;

/** Joins neighbouring leaves to ranges on their way to a sink. Used by one thread. */
final class DirtyRuns {

    private long start;
    private long end;

    /** Passes leaves on, 1 << shift bytes each from a base on, whose bit is set. */
    void add(long base, int shift, long[] leaves, DirtySink sink) {
        for (int word = 0; word < leaves.length; word++) {
            long left = leaves[word];
            while (left != 0) {
                int from = Long.numberOfTrailingZeros(left);
                int count = Long.numberOfTrailingZeros(~(left >>> from));
                int to = Math.min(Long.SIZE, from + count);
                long first = (long) word * Long.SIZE;
                add(base + (first + from << shift), base + (first + to << shift), sink);
                left = to == Long.SIZE ? 0 : left >>> to << to;
            }
        }
    }

    private void add(long from, long to, DirtySink sink) {
        if (from == end && start < end) {
            end = to;
        } else {
            flush(sink);
            start = from;
            end = to;
        }
    }

    /** Passes the last range on. */
    void flush(DirtySink sink) {
        if (start < end) {
            sink.dirty(start, end - start);
            forget();
        }
    }

    /**
     * Keeps for the next report what a sink was not given.
     *
     * @param next takes it
     * @param leafShift how many address bits are inside a leaf, at most
     */
    void keepFor(UnreportedWrites next, int leafShift) {
        if (start < end) {
            next.add(start, end - 1, leafShift);
        }
    }

    void forget() {
        start = 0;
        end = 0;
    }
}
