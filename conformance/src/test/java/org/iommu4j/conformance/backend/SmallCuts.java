package org.iommu4j.conformance.backend;

import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.api.IotlbGather;

/** Makes leaves smaller. Several threads may do so side by side. */
final class SmallCuts {

    private final SmallTables tables;
    private final SmallPages pages;
    private final SmallPending pending;
    private final int width;
    private final AtomicLong splits = new AtomicLong();

    SmallCuts(SmallTables tables, SmallPages pages, SmallPending pending, int width) {
        this.tables = tables;
        this.pages = pages;
        this.pending = pending;
        this.width = width;
    }

    long splits() {
        return splits.get();
    }

    /** How many tables it takes that no leaf straddles a boundary. */
    int needed(long[] boundaries, long smallest) {
        Set<Long> leaves = new HashSet<>();
        for (long boundary : boundaries) {
            for (int level = straddled(boundary); level > tables.level(smallest); level--) {
                if (isInside(boundary, level)) {
                    leaves.add(boundary >>> tables.format.shift(level) << 6 | level);
                }
            }
        }
        return leaves.size();
    }

    private boolean isInside(long boundary, int level) {
        return (boundary & tables.span(level) - 1) != 0;
    }

    /** The level of the leaf that straddles a boundary; 0 if there is none. */
    private int straddled(long boundary) {
        if (boundary >>> width != 0) {
            return 0;
        }
        SmallTables.Slot slot = tables.find(boundary);
        boolean straddles =
                tables.format.isPresent(slot.entry()) && isInside(boundary, slot.level());
        return straddles ? slot.level() : 0;
    }

    /** Splits the leaf that straddles a boundary until none does. */
    void cut(long boundary, long smallest, Deque<Long> taken, IotlbGather gather) {
        while (straddled(boundary) > tables.level(smallest)) {
            SmallTables.Slot slot = tables.find(boundary);
            if (tables.format.isPresent(slot.entry()) && slot.level() > 0) {
                split(slot, boundary, taken, gather);
            }
        }
    }

    /** Splits a leaf, with one of the pages. */
    void split(SmallTables.Slot slot, long inside, Deque<Long> taken, IotlbGather gather) {
        if (taken.isEmpty()) {
            pages.reserve(1, taken);
        }
        long size = tables.span(slot.level());
        if (tables.split(slot, taken.getFirst())) {
            taken.removeFirst();
            splits.incrementAndGet();
            if (!tables.has(Flaw.H_THE_SMALL_RANGE_IS_INVALIDATED)) {
                tables.note(gather, inside & -size, size, true);
            }
            pending.add(inside & -size, size);
        }
    }
}
