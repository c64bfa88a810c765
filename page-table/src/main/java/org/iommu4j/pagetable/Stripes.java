package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.jspecify.annotations.Nullable;

/*
 * Somebody splits a leaf, and has not invalidated yet: hardware may still hold the large translation. A second thread now
 * unmaps another page of the leaf's range with an invalidation of its own, of 4 KiB: the hardware may keep the large
 * translation, and the page stays reachable. Hence a change of structure stays noted here, in the domain, until an invalidation
 * that covers it and began after it has completed; and whoever changes anything inside widens its gather to the whole of
 * it.
 *
 * It is added after the entry was changed and written back, and before anybody can act in its span: before the guard of
 * the entry's table is let go and the new tables come alive. Added any earlier, an invalidation that begins in between
 * would end it, while hardware can still read the old entry.
 *
 * Each stripe of addresses has its list, and a span stands in the list of every stripe that it touches. Changes have stamps,
 * and a gather notes for each stripe the stamp of the last change that was made for it, or that it was widened to: its
 * invalidation, which begins later, ends changes with stamps up to that. They are moments of the witness's clock where it
 * has one, so that it knows which changes an invalidation came after; else each stripe counts its own changes.
 */

/**
 * The stripes of I/O virtual addresses in which changes of structure are noted: a GiB, which is
 * what one table of level 1 decides, modulo 16. So threads that work far apart write nothing in
 * common.
 */
final class Stripes {

    static final int COUNT = 16;

    private static final int SHIFT = 30;

    private final Stripe[] stripes = new Stripe[COUNT];
    private final @Nullable Witness clock;

    Stripes(PhysicalMemory memory, Witness witness, Epochs epochs) {
        for (int i = 0; i < COUNT; i++) {
            stripes[i] = new Stripe(i, memory, epochs);
        }
        this.clock = witness.moment() > 0 ? witness : null;
    }

    Stripe get(int number) {
        return stripes[number];
    }

    /** The stripe of an address. */
    Stripe at(long iova) {
        return stripes[number(iova)];
    }

    /** False if certainly no pending span touches [start, end). */
    boolean mayTouch(long start, long end) {
        if (isOne(start, end)) {
            return at(start).mayTouch(start, end);
        }
        boolean any = false;
        for (int left = touched(start, end); left != 0; left &= left - 1) {
            any |= get(Integer.numberOfTrailingZeros(left)).mayTouch(start, end);
        }
        return any;
    }

    /**
     * A non-leaf entry in [start, end) has changed, and the caller still holds the guard of its
     * table: widens the gather to what is pending there already, and notes the change.
     */
    void change(long start, long end, IotlbGather gather) {
        if (isOne(start, end)) {
            at(start).change(start, end, gather, clock);
            return;
        }
        for (int left = touched(start, end); left != 0; left &= left - 1) {
            get(Integer.numberOfTrailingZeros(left)).change(start, end, gather, clock);
        }
    }

    /** Widens a gather to every pending span that [start, end) touches. */
    void widen(IotlbGather gather, long start, long end, long pageSize) {
        if (mayTouch(start, end)) {
            for (int left = touched(start, end); left != 0; left &= left - 1) {
                int number = Integer.numberOfTrailingZeros(left);
                get(number).widen(gather, start, end, pageSize);
            }
        }
    }

    /**
     * Notes in a gather, by the clock, which changes its invalidation comes after: all that were
     * made by now. Where no clock ticks what is noted with each change is enough.
     */
    void handOver(IotlbGather gather) {
        if (clock == null) {
            return;
        }
        for (int left = touched(gather); left != 0; left &= left - 1) {
            gather.stamp(Integer.numberOfTrailingZeros(left), clock.moment());
        }
    }

    /**
     * When a gather was handed over, by the witness's clock, as far as it concerns [start, end).
     */
    static long handedOver(IotlbGather gather, long start, long end) {
        long latest = 0;
        for (int left = touched(start, end); left != 0; left &= left - 1) {
            latest = Math.max(latest, gather.stamp(Integer.numberOfTrailingZeros(left)));
        }
        return latest;
    }

    /** True if [start, end) does not cross from one stripe to the next. */
    static boolean isOne(long start, long end) {
        return (start ^ end - 1) >>> SHIFT == 0;
    }

    /** A bit for each stripe that [start, end) touches. */
    static int touched(long start, long end) {
        long count = Math.min(COUNT, (end - 1 >>> SHIFT) - (start >>> SHIFT) + 1);
        int bits = (1 << count) - 1 << number(start);
        return (bits | bits >>> COUNT) & (1 << COUNT) - 1;
    }

    /** The number of the stripe of an address. */
    static int number(long iova) {
        return (int) (iova >>> SHIFT) & COUNT - 1;
    }

    /** A bit for each stripe that a gather's ranges touch. */
    static int touched(IotlbGather gather) {
        int bits = 0;
        for (int i = 0; i < gather.rangeCount(); i++) {
            bits |= touched(gather.rangeStart(i), gather.rangeEnd(i));
        }
        return bits;
    }
}
