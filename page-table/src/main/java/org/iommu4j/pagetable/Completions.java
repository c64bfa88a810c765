package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.event.TableFreeEvent;

/**
 * What follows when the invalidation of a gather has completed, before its pages are given back.
 * Any thread may use it.
 */
final class Completions {

    private final Tables tables;
    private final Stripes stripes;
    private final TableCounts counts;

    Completions(Tables tables) {
        this.tables = tables;
        this.stripes = tables.stripes;
        this.counts = tables.counts;
    }

    /** The invalidation of a gather has completed, and its pages are still held. */
    void completed(IotlbGather gather) {
        if (gather.structureChanged() || gather.heldPages() > 0) {
            structure(gather);
            if (gather.heldPages() > 0 && TableFreeEvent.isOn()) {
                TableFreeEvent.record(tables.root, gather.heldPages(), counts.pages());
            }
        }
        if (tables.isWitnessed()) {
            tell(gather);
        }
    }

    private void structure(IotlbGather gather) {
        int pages = gather.heldPages();
        if (pages > 0) {
            counts.released(pages);
        }
        int noted = gather.stampedParts();
        /* Pages that came here without a note, as when everything ends, may have been anywhere in the ranges. */
        for (int left = noted == 0 ? Stripes.touched(gather) : noted; left != 0; left &= left - 1) {
            stripes.get(Integer.numberOfTrailingZeros(left)).invalidated(gather, pages > 0);
        }
    }

    private void tell(IotlbGather gather) {
        for (int i = 0; i < gather.rangeCount(); i++) {
            long start = gather.rangeStart(i);
            long end = gather.rangeEnd(i);
            tables.witness.invalidated(
                    tables.root,
                    start,
                    end - start,
                    gather.structureChanged(),
                    Stripes.handedOver(gather, start, end));
        }
    }
}
