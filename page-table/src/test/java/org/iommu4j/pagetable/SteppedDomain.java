package org.iommu4j.pagetable;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;

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

    private final PageTable engine;
    private final Interleaver interleaver;
    private final Unit unit;
    private final SteppedDevice device;

    SteppedDomain(PageTable engine, Interleaver interleaver, Unit unit, SteppedDevice device) {
        super(engine);
        this.engine = engine;
        this.interleaver = interleaver;
        this.unit = unit;
        this.device = device;
    }

    /** A device whose requests go through the tables. */
    SteppedDevice device() {
        return device;
    }

    PageTable engine() {
        return engine;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        interleaver.requireNoGuard("waits for the unit");
        interleaver.announce(true);
        unit.invalidate(gather);
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
