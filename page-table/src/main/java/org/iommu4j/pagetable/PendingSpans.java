package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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

    /* Who must see a change has taken, after it was noted, a guard that was let go after it: no store need be volatile. */
    private static final VarHandle STAMP = field("stamp", long.class);
    private static final VarHandle COUNT = field("count", int.class);

    private final Witness witness;
    private final SpinLock lock;
    private final boolean clocked;
    private final SpanFilter filter = new SpanFilter();
    /* The rest is changed under the lock. */
    private long[] starts = new long[8];
    private long[] ends = new long[8];
    private long[] stamps = new long[8];
    private volatile long stamp; // stored through STAMP
    private volatile int count; // stored through COUNT

    PendingSpans(Witness witness, SpinLock lock) {
        this.witness = witness;
        this.lock = lock;
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
    void add(long start, long end, IotlbGather gather) {
        lock.enter();
        try {
            long now = clocked ? witness.moment() : stamp + 1;
            STAMP.setRelease(this, now);
            if (!mayTouch(start, end) || !refresh(start, end, now, gather)) {
                append(start, end, now);
            }
        } finally {
            lock.leave();
        }
    }

    /** Widens a gather to every pending span that [start, end) touches. */
    void widen(IotlbGather gather, long start, long end, long pageSize) {
        if (mayTouch(start, end)) {
            lock.enter();
            try {
                widenTouched(gather, start, end, pageSize);
            } finally {
                lock.leave();
            }
        }
    }

    /**
     * Notes in a gather which changes its invalidation comes after: all that have a stamp by now,
     * since a change gets its stamp after it was made.
     */
    void handOver(IotlbGather gather) {
        gather.stamp(clocked ? witness.moment() : stamp);
    }

    /**
     * The invalidation of a gather in which the structure changed has completed. The caller holds
     * the lock.
     */
    void invalidated(IotlbGather gather) {
        int n = count;
        for (int i = n - 1; i >= 0; i--) {
            if (stamps[i] <= gather.stamp() && covers(gather, starts[i], ends[i])) {
                n--;
                starts[i] = starts[n];
                ends[i] = ends[n];
                stamps[i] = stamps[n];
            }
        }
        if (n != count) {
            COUNT.setRelease(this, n);
            if (n == 0) {
                filter.clear();
            }
        }
    }

    private void widenTouched(IotlbGather gather, long start, long end, long pageSize) {
        for (int i = 0; i < count; i++) {
            if (starts[i] < end && start < ends[i]) {
                gather.addRange(starts[i], ends[i] - starts[i], pageSize);
                gather.markStructureChanged();
            }
        }
    }

    /**
     * Widens the gather to what a new change touches, and notes the change inside a span that is
     * pending already; false if there is none.
     */
    private boolean refresh(long start, long end, long now, IotlbGather gather) {
        widenTouched(gather, start, end, end - start);
        for (int i = 0; i < count; i++) {
            if (starts[i] <= start && end <= ends[i]) {
                stamps[i] = now;
                return true;
            }
        }
        return false;
    }

    private void append(long start, long end, long now) {
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
        COUNT.setRelease(this, n + 1);
    }

    /** Makes one span of all, so that a domain that is never synced keeps a bounded list. */
    private void joinAll() {
        for (int i = 1; i < count; i++) {
            starts[0] = Math.min(starts[0], starts[i]);
            ends[0] = Math.max(ends[0], ends[i]);
        }
        stamps[0] = stamp;
        filter.add(starts[0], ends[0]);
        COUNT.setRelease(this, 1);
    }

    private static VarHandle field(String name, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(PendingSpans.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
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
