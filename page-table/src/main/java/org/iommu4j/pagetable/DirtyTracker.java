package org.iommu4j.pagetable;

import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.event.DirtyReadEvent;

/** One tracking of a domain, from its start to its close. Any thread may use it. */
final class DirtyTracker implements DirtyTracking {

    private final PageTableDomain domain;
    private final PageTable table;
    private final DirtyOptions options;
    private volatile boolean ended;
    private int number;

    DirtyTracker(PageTableDomain domain, PageTable table, DirtyOptions options) {
        this.domain = domain;
        this.table = table;
        this.options = options;
    }

    /** The tracking has begun; said before anybody has this. */
    void begun() {
        number = table.dirtyBits().tracking();
    }

    DirtyOptions options() {
        return options;
    }

    @Override
    public void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather) {
        domain.requireMine(gather);
        requireOpen();
        DirtyReadEvent event = DirtyReadEvent.begun();
        table.dirtyBits().readAndClear(iova, size, sink, gather, number);
        if (event != null) {
            event.ended(table.root(), iova, size);
        }
    }

    @Override
    public void peek(long iova, long size, DirtySink sink) {
        requireOpen();
        table.dirtyBits().peek(iova, size, sink, number);
    }

    @Override
    public synchronized void close() {
        if (!ended) {
            domain.stop(this);
            ended = true;
        }
    }

    /** The domain is being closed: nothing is left to track. */
    void end() {
        ended = true;
    }

    private void requireOpen() {
        if (ended) {
            throw new IllegalStateException("the tracking has ended");
        }
    }
}
