package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.IotlbGather;

/** Where a leaf became a table, or a table went, and no invalidation has completed since. */
final class SmallPending {

    private record Span(long iova, long size) {}

    private final SmallTables tables;
    private final List<Span> spans = new ArrayList<>();

    SmallPending(SmallTables tables) {
        this.tables = tables;
    }

    synchronized void add(long iova, long size) {
        boolean forgets =
                tables.has(Flaw.O_A_PENDING_SPLIT_IS_FORGOTTEN)
                        || tables.has(Flaw.H_THE_SMALL_RANGE_IS_INVALIDATED);
        if (!forgets) {
            spans.add(new Span(iova, size));
        }
    }

    /** A change under a structure that is pending takes its invalidation upon itself. */
    synchronized void into(IotlbGather gather, long iova, long size) {
        for (Span each : spans) {
            if (each.iova() < iova + size && iova < each.iova() + each.size()) {
                tables.note(gather, each.iova(), each.size(), true);
            }
        }
    }

    /** Hears that the invalidation of a gather has completed. */
    synchronized void forget(IotlbGather gather) {
        for (int i = 0; gather.structureChanged() && i < gather.rangeCount(); i++) {
            long start = gather.rangeStart(i);
            long end = gather.rangeEnd(i);
            spans.removeIf(each -> start <= each.iova() && each.iova() + each.size() <= end);
        }
    }
}
