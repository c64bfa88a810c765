package org.iommu4j.pagetable;

import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.jspecify.annotations.Nullable;

/**
 * A domain whose invalidations are steps of an {@link Interleaver}: taken over, done by the unit,
 * completed.
 */
final class SteppedDomain extends PageTableDomain {

    /** The unit's side of an invalidation. */
    interface Unit {

        /** Forgets what a gather holds. */
        void invalidate(IotlbGather gather);
    }

    private static final long ALL = 1L << 57;

    private final PageTable engine;
    private final Interleaver interleaver;
    private final Unit unit;
    private final WritingDevice device;
    private final Writes writes = new Writes();
    private @Nullable DirtyTracking tracking;
    private long largest = ALL;

    SteppedDomain(PageTable engine, Interleaver interleaver, Unit unit, WritingDevice device) {
        super(engine);
        this.engine = engine;
        this.interleaver = interleaver;
        this.unit = unit;
        this.device = device;
    }

    /** Begins to track writes. */
    void track(long granularity, boolean lazily) {
        DirtyTracking begun = trackDirty(new DirtyOptions(granularity, lazily));
        largest = lazily ? ALL : granularity;
        tracking = begun;
    }

    /** Has the device make a request; returns the bits that stand in the leaf because of it. */
    long use(long iova, boolean write) {
        if (device.keepsWhatItSees()) {
            interleaver.announce(true);
        }
        boolean counts = write && isTracked();
        long bits = device.use(iova, write);
        if (bits != 0 && counts) {
            writes.written(iova);
        }
        return bits;
    }

    /** The largest leaf that there may be. */
    long largestLeaf() {
        return largest;
    }

    boolean isTracked() {
        return tracking != null;
    }

    /** Reports what was written, in the round of a gather. */
    void report(long iova, long size, IotlbGather gather) {
        if (tracking != null) {
            tracking.readAndClear(iova, size, writes.into(gather), gather);
        }
    }

    /** Syncs, and copies what was reported in this round. */
    void syncAndCopy(IotlbGather gather) {
        sync(gather).await();
        writes.synced(gather);
    }

    /** What was written and reported. */
    Writes writes() {
        return writes;
    }

    @Override
    protected void startDirtyBits() {}

    PageTable engine() {
        return engine;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        interleaver.requireNoGuard("waits for the unit");
        interleaver.announce(true);
        if (device.isWalking()) {
            interleaver.await(() -> !device.isWalking());
        }
        unit.invalidate(gather);
        device.invalidate(gather);
        interleaver.announce(true);
        interleaver.changedForAll();
        gather.completed();
        return FlushCompletion.DONE;
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return new DomainStatistics.Invalidations(0, 0, 0);
    }
}
