package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/** What an operation changed: the range that must be invalidated for it. Used by one thread. */
final class ChangedRange {

    private long first;
    private long last;
    private int smallestLevel;
    private boolean structure;
    private boolean any;
    private long structureFirst;
    private long structureLast;

    void reset() {
        first = Long.MAX_VALUE;
        last = 0;
        smallestLevel = Integer.MAX_VALUE;
        structure = false;
        any = false;
        structureFirst = Long.MAX_VALUE;
        structureLast = 0;
    }

    /** Leaves were changed in [from, to]; the smallest of them stood at a level. */
    void leaf(long from, long to, int level) {
        first = Math.min(first, from);
        last = Math.max(last, to);
        smallestLevel = Math.min(smallestLevel, level);
        any = true;
    }

    /** A non-leaf entry over [from, to] was changed. */
    void structure(long from, long to) {
        leaf(from, to, 0);
        structure = true;
        structureFirst = from;
        structureLast = to;
    }

    /** The first address; the largest there is if nothing was changed. */
    long first() {
        return first;
    }

    /** The last address; 0 if nothing was changed. */
    long last() {
        return last;
    }

    /**
     * True if the last change of structure spans all of a range, so that nothing pending in it was
     * missed.
     */
    boolean isOneSpan(long from, long to) {
        return structureFirst <= from && to <= structureLast;
    }

    void addTo(IotlbGather gather, Tables tables) {
        if (any) {
            gather.addRange(first, last - first + 1, tables.span(smallestLevel));
            if (structure) {
                gather.markStructureChanged();
            }
        }
    }
}
