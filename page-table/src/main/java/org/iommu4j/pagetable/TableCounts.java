package org.iommu4j.pagetable;

import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** How many table pages a tree has, and what was done to it; summed when asked. */
final class TableCounts {

    private final LongAdder pages = new LongAdder();
    private final LongAdder changes = new LongAdder();
    private final LongAccumulator peak = new LongAccumulator(Math::max, 0);
    private final LongAdder splits = new LongAdder();
    private final LongAdder coalesces = new LongAdder();

    void linked(int more) {
        pages.add(more);
        changes.add(more);
        long now = pages.sum();
        if (now > peak.get()) {
            peak.accumulate(now);
        }
    }

    void released(int fewer) {
        pages.add(-fewer);
        changes.add(fewer);
    }

    void split() {
        splits.increment();
    }

    void coalesced() {
        coalesces.increment();
    }

    long pages() {
        return pages.sum();
    }

    /** How many tables came and went. */
    long changes() {
        return changes.sum();
    }

    long peak() {
        return peak.get();
    }

    long splits() {
        return splits.sum();
    }

    long coalesces() {
        return coalesces.sum();
    }
}
