package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;

/**
 * Tells a witness when reports of dirty bits are final: with the sync of the gather that their
 * caller was told to sync, whatever is in that gather. Where nobody listens it does nothing. Any
 * thread may use it.
 */
final class UnsyncedReports {

    private final Tables tables;
    /* Weakly: a gather that was dropped is to be found by its cleaner. */
    private final Map<IotlbGather, List<Long>> reports = new WeakHashMap<>();

    UnsyncedReports(Tables tables) {
        this.tables = tables;
    }

    /** Begins a report; returns its number. */
    long begin() {
        return tables.isWitnessed() ? tables.witness.reporting(tables.root) : 0;
    }

    /** Tracking begins with a report: the first bytes of the domain are clean. */
    void tracks(long bytes, long report) {
        if (tables.isWitnessed()) {
            tables.witness.cleaned(tables.root, 0, bytes, report);
        }
    }

    /** A report is whole, and waits for a gather. One that failed never is final. */
    void ended(IotlbGather gather, long report) {
        if (tables.isWitnessed()) {
            synchronized (this) {
                reports.computeIfAbsent(gather, _ -> new ArrayList<>()).add(report);
            }
        }
    }

    /** A gather was handed over; somebody listens. */
    void handedOver(IotlbGather gather, FlushCompletion completion) {
        List<Long> waiting = take(gather);
        if (!waiting.isEmpty()) {
            completion.whenDone(() -> waiting.forEach(this::isFinal));
        }
    }

    private synchronized List<Long> take(IotlbGather gather) {
        List<Long> waiting = reports.remove(gather);
        return waiting == null ? List.of() : waiting;
    }

    private void isFinal(long report) {
        tables.witness.reported(tables.root, report);
    }
}
