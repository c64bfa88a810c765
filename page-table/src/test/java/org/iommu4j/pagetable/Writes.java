package org.iommu4j.pagetable;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Holds what a device has written against what was reported: a write is covered by a report of its
 * page whose sync completes after it (D1). One thread at a time uses it.
 */
final class Writes {

    private final BitSet uncovered = new BitSet();
    private final Map<IotlbGather, BitSet> reported = new HashMap<>();

    /** A write to a page was done. */
    void written(long iova) {
        uncovered.set(page(iova));
    }

    /** Takes a report, which counts once its gather is synced. */
    DirtySink into(IotlbGather gather) {
        BitSet found = reported.computeIfAbsent(gather, key -> new BitSet());
        return (iova, size) -> found.set(page(iova), page(iova + size));
    }

    /** The sync of a gather has completed: now the reported pages are copied. */
    void synced(IotlbGather gather) {
        BitSet found = reported.remove(gather);
        if (found != null) {
            uncovered.andNot(found);
        }
    }

    /** What was written and is in no report. */
    BitSet uncovered() {
        return uncovered;
    }

    long hash() {
        long hash = uncovered.hashCode();
        for (BitSet found : reported.values()) {
            hash += Interleaver.mix(1, found.hashCode());
        }
        return hash;
    }

    private static int page(long iova) {
        return (int) (iova >>> PhysicalMemory.PAGE_SHIFT);
    }
}
