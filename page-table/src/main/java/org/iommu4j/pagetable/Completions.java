package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.event.TableFreeEvent;

/**
 * What follows when the invalidation of a gather has completed, before its pages are given back.
 * Any thread may use it.
 */
final class Completions {

    private final Tables tables;

    Completions(Tables tables) {
        this.tables = tables;
    }

    /** The invalidation of a gather has completed, and its pages are still held. */
    void completed(IotlbGather gather) {
        if (gather.structureChanged() || gather.heldPages() > 0) {
            structure(gather);
            if (gather.heldPages() > 0 && TableFreeEvent.isOn()) {
                TableFreeEvent.record(tables.root, gather.heldPages(), tables.counts.pages());
            }
        }
        if (tables.isWitnessed()) {
            tell(gather);
        }
    }

    private void structure(IotlbGather gather) {
        tables.structureLock.enter();
        try {
            tables.pending.invalidated(gather);
            if (gather.heldPages() > 0) {
                tables.counts.released(gather.heldPages());
                for (int i = 0; i < gather.rangeCount(); i++) {
                    tables.epochs.move(gather.rangeStart(i), gather.rangeEnd(i));
                }
            }
        } finally {
            tables.structureLock.leave();
        }
    }

    private void tell(IotlbGather gather) {
        for (int i = 0; i < gather.rangeCount(); i++) {
            long start = gather.rangeStart(i);
            tables.witness.invalidated(
                    tables.root,
                    start,
                    gather.rangeEnd(i) - start,
                    gather.structureChanged(),
                    gather.stamp());
        }
    }
}
