package org.iommu4j.pagetable;

import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.Feature;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.UnsupportedFeatureException;

/** The dirty bits of one tree: when they matter, and what they say. Any thread may use it. */
final class DirtyBits {

    private final Tables tables;
    private final Workspaces workspaces;
    private final RangeCheck check;
    private final UnsyncedReports reports;

    DirtyBits(Tables tables, Workspaces workspaces, RangeCheck check) {
        this.tables = tables;
        this.workspaces = workspaces;
        this.check = check;
        this.reports = new UnsyncedReports(tables);
    }

    /**
     * Refuses what cannot be tracked.
     *
     * @throws UnsupportedFeatureException if the format has no dirty bits
     * @throws IllegalArgumentException if the granularity is no page size of this domain
     */
    void requireTrackable(DirtyOptions options) {
        if (tables.format.dirtyMask() == 0) {
            throw new UnsupportedFeatureException(
                    Feature.DIRTY_TRACKING,
                    "trackDirty: the format " + tables.format.name() + " has no dirty bits");
        }
        tables.leaves.of(options.granularity());
    }

    /**
     * Begins to track writes, as {@link IommuDomain#trackDirty}: hardware keeps dirty bits already.
     * Splits leaves to the granularity, unless that is done lazily, and clears every dirty bit.
     * When the gather was synced, every later write is in some report.
     */
    void start(DirtyOptions options, IotlbGather gather) {
        long last = (1L << check.addressWidth()) - 1;
        tables.track(tables.leaves.of(options.granularity()), options.lazily());
        Workspace space = workspaces.take();
        long report = reports.begin();
        try {
            space.dirty.forget(0, last, !options.lazily(), gather, report);
            reports.tracks(last + 1, report);
            reports.ended(gather, report);
        } catch (RuntimeException | Error e) {
            tables.untrack();
            throw e;
        } finally {
            workspaces.giveBack(space);
        }
        gather.addRange(0, last + 1, tables.span(0));
        gather.markStructureChanged();
    }

    /** Ends the tracking of writes. */
    void stop() {
        tables.untrack();
    }

    /** {@return the number of the tracking there is, or of none} */
    int tracking() {
        return tables.unreported.tracking();
    }

    /** As {@link DirtyTracking#readAndClear}, of the tracking of a number. */
    void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather, int tracking) {
        check.range(iova, size);
        Workspace space = workspaces.take();
        try {
            long report = reports.begin();
            space.dirty.report(iova, iova + size - 1, sink, gather, tracking, report);
            reports.ended(gather, report);
        } finally {
            workspaces.giveBack(space);
        }
    }

    /** A gather was handed over: the reports that wait for it are final when that is complete. */
    void handedOver(IotlbGather gather, FlushCompletion completion) {
        reports.handedOver(gather, completion);
    }

    /** As {@link DirtyTracking#peek}, of the tracking of a number. */
    void peek(long iova, long size, DirtySink sink, int tracking) {
        check.range(iova, size);
        Workspace space = workspaces.take();
        try {
            space.dirty.peek(iova, iova + size - 1, sink, tracking);
        } finally {
            workspaces.giveBack(space);
        }
    }
}
