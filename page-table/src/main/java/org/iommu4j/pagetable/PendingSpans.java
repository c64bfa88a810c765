package org.iommu4j.pagetable;

import java.util.Arrays;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.Witness;

/*
 * Somebody splits a leaf, and has not invalidated yet: hardware may still hold the large translation. A second thread now
 * unmaps another page of the leaf's range with an invalidation of its own, of 4 KiB: the hardware may keep the large
 * translation, and the page stays reachable. Hence a change of structure stays here, in the domain, until an invalidation
 * that covers it and began after it has completed; and whoever changes anything inside widens its gather to the whole of
 * it.
 *
 * It is added after the entry was changed and written back, and before anybody can act in its span: before the guard of
 * the entry's table is let go and the new tables come alive. Added any earlier, an invalidation that begins in between
 * would end it, while hardware can still read the old entry. The stamps order changes and hand-overs: a gather that was
 * handed over at stamp s ends only changes with stamps up to s. They are moments of the witness's clock where it has one, so
 * that it knows which changes an invalidation came after; else a count of changes.
 */

/**
 * The spans of I/O virtual addresses in which a non-leaf entry changed and hardware may not know
 * yet.
 */
final class PendingSpans {

    private static final int MOST = 1024;

    private final Witness witness;
    private final boolean clocked;
    private final SpanFilter filter = new SpanFilter();
    private long[] starts = new long[8];
    private long[] ends = new long[8];
    private long[] stamps = new long[8];
    private volatile long stamp; // changed in the monitor
    private volatile int count;

    PendingSpans(Witness witness) {
        this.witness = witness;
        this.clocked = witness.moment() > 0;
    }

    /** False if certainly no pending span touches [start, end). */
    boolean mayTouch(long start, long end) {
        return count != 0 && filter.mayTouch(start, end);
    }

    /**
     * A non-leaf entry in [start, end) has changed, and the caller still holds the guard of its
     * table: widens the gather to what is pending there already, and notes the change.
     */
    synchronized void add(long start, long end, IotlbGather gather) {
        long now = clocked ? witness.moment() : stamp + 1;
        stamp = now;
        if (mayTouch(start, end)) {
            widenTouched(gather, start, end, end - start);
            if (refresh(start, end, now)) {
                return;
            }
        }
        if (count == MOST) {
            joinAll();
        }
        int n = count;
        if (n == starts.length) {
            starts = Arrays.copyOf(starts, 2 * n);
            ends = Arrays.copyOf(ends, 2 * n);
            stamps = Arrays.copyOf(stamps, 2 * n);
        }
        starts[n] = start;
        ends[n] = end;
        stamps[n] = now;
        filter.add(start, end);
        count = n + 1;
    }

    /** Widens a gather to every pending span that [start, end) touches. */
    void widen(IotlbGather gather, long start, long end, long pageSize) {
        if (mayTouch(start, end)) {
            widenTouched(gather, start, end, pageSize);
        }
    }

    /**
     * Notes in a gather which changes its invalidation comes after: all that have a stamp by now,
     * since a change gets its stamp after it was made.
     */
    void handOver(IotlbGather gather) {
        gather.stamp(clocked ? witness.moment() : stamp);
    }

    /** The invalidation of a gather in which the structure changed has completed. */
    synchronized void invalidated(IotlbGather gather) {
        if (count == 0) {
            return;
        }
        int n = count;
        for (int i = n - 1; i >= 0; i--) {
            if (stamps[i] <= gather.stamp() && covers(gather, starts[i], ends[i])) {
                n--;
                starts[i] = starts[n];
                ends[i] = ends[n];
                stamps[i] = stamps[n];
            }
        }
        count = n;
        if (n == 0) {
            filter.clear();
        }
    }

    private synchronized void widenTouched(
            IotlbGather gather, long start, long end, long pageSize) {
        for (int i = 0; i < count; i++) {
            if (starts[i] < end && start < ends[i]) {
                gather.addRange(starts[i], ends[i] - starts[i], pageSize);
                gather.markStructureChanged();
            }
        }
    }

    /** Notes a new change inside a span that is pending already; false if there is none. */
    private boolean refresh(long start, long end, long now) {
        for (int i = 0; i < count; i++) {
            if (starts[i] <= start && end <= ends[i]) {
                stamps[i] = now;
                return true;
            }
        }
        return false;
    }

    /** Makes one span of all, so that a domain that is never synced keeps a bounded list. */
    private void joinAll() {
        for (int i = 1; i < count; i++) {
            starts[0] = Math.min(starts[0], starts[i]);
            ends[0] = Math.max(ends[0], ends[i]);
        }
        stamps[0] = stamp;
        filter.add(starts[0], ends[0]);
        count = 1;
    }

    private static boolean covers(IotlbGather gather, long start, long end) {
        for (int i = 0; i < gather.rangeCount(); i++) {
            if (gather.rangeStart(i) <= start && end <= gather.rangeEnd(i)) {
                return true;
            }
        }
        return false;
    }
}
