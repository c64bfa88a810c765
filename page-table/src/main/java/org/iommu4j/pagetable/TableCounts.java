package org.iommu4j.pagetable;

import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.pagetable.event.TableAllocEvent;
import org.iommu4j.pagetable.event.TableFreeEvent;

/** How many table pages a tree has, and what was done to it; summed when asked. */
final class TableCounts {

    private final long root;
    private final LongAdder pages = new LongAdder();
    private final LongAdder changes = new LongAdder();
    private final LongAccumulator peak = new LongAccumulator(Math::max, 0);
    private final LongAdder splits = new LongAdder();
    private final LongAdder coalesces = new LongAdder();

    /** Counts for the tree with a root table at an address. */
    TableCounts(long root) {
        this.root = root;
    }

    void linked(int more) {
        pages.add(more);
        changes.add(more);
        long now = pages.sum();
        if (now > peak.get()) {
            peak.accumulate(now);
        }
        TableAllocEvent.happened(root, more, now);
    }

    void released(int fewer) {
        pages.add(-fewer);
        changes.add(fewer);
        if (TableFreeEvent.isOn()) {
            TableFreeEvent.happened(root, fewer, pages.sum());
        }
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
