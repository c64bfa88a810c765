package org.iommu4j.flush.policy;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A few page-selective requests that cover the ranges of a gather, or the whole domain if they
 * would not be few.
 *
 * <p>Hardware need not drop a large translation for a request that covers it only in part. A range
 * holds the leaves that changed in it whole, and a leaf is aligned to its size; so both ways of
 * covering a range are safe: by one aligned block around it, and by the largest aligned blocks
 * inside it, of which one holds each leaf. A block that the unit cannot do in one request is never
 * cut into smaller ones.
 */
final class AlignedBlocks implements Invalidation {

    private static final int MANY = Integer.MAX_VALUE / 2;

    /* One block is preferred to several if it is at most this many times as large as the range. */
    private static final int SNUG = 4;

    private final IotlbInvalidator unit;
    private final int limit;

    AlignedBlocks(IotlbInvalidator unit, int limit) {
        this.unit = unit;
        this.limit = limit;
    }

    @Override
    public void complete(int domainId, IotlbGather gather) {
        int requests = 0;
        for (int i = 0; i < gather.rangeCount() && requests <= limit; i++) {
            requests += requests(floor(gather.rangeStart(i)), ceiling(gather.rangeEnd(i)));
        }
        boolean leafOnly = !gather.structureChanged();
        if (requests == 0 || requests > limit) {
            unit.await(unit.invalidateDomain(domainId));
        } else if (requests == 1) {
            unit.await(
                    one(
                            domainId,
                            floor(gather.rangeStart(0)),
                            ceiling(gather.rangeEnd(0)),
                            leafOnly));
        } else {
            several(domainId, gather, leafOnly, new long[requests]);
        }
    }

    private void several(int domainId, IotlbGather gather, boolean leafOnly, long[] tickets) {
        int count = 0;
        for (int i = 0; i < gather.rangeCount(); i++) {
            long start = floor(gather.rangeStart(i));
            long end = ceiling(gather.rangeEnd(i));
            if (requests(start, end) == 1) {
                tickets[count++] = one(domainId, start, end, leafOnly);
                continue;
            }
            for (long at = start; at < end; ) {
                int order = orderInside(at, end);
                tickets[count++] = unit.invalidatePages(domainId, at, order, leafOnly);
                at += bytes(order);
            }
        }
        for (long ticket : tickets) {
            unit.await(ticket);
        }
    }

    private long one(int domainId, long start, long end, boolean leafOnly) {
        int order = orderAround(start, end);
        return unit.invalidatePages(domainId, start & -bytes(order), order, leafOnly);
    }

    /** How many requests cover a range: 1 is the block around it, more are the blocks inside it. */
    private int requests(long start, long end) {
        int around = orderAround(start, end);
        boolean possible = around <= unit.maxOrder();
        if (possible && bytes(around) <= SNUG * (end - start)) {
            return 1;
        }
        int inside = 0;
        for (long at = start; at < end && inside <= limit; inside++) {
            int order = orderInside(at, end);
            if (order > unit.maxOrder()) {
                return MANY;
            }
            at += bytes(order);
        }
        return inside <= limit ? inside : possible ? 1 : MANY;
    }

    /** The order of the smallest aligned block that holds [start, end). */
    private static int orderAround(long start, long end) {
        return Long.SIZE
                - Long.numberOfLeadingZeros((start ^ end - 1) >>> PhysicalMemory.PAGE_SHIFT);
    }

    /** The order of the largest aligned block that begins at start and does not pass end. */
    private static int orderInside(long start, long end) {
        int fits = Long.SIZE - 1 - Long.numberOfLeadingZeros(end - start);
        return Math.min(fits, Long.numberOfTrailingZeros(start)) - PhysicalMemory.PAGE_SHIFT;
    }

    private static long bytes(int order) {
        return (long) PhysicalMemory.PAGE_SIZE << order;
    }

    private static long floor(long iova) {
        return iova & -PhysicalMemory.PAGE_SIZE;
    }

    private static long ceiling(long iova) {
        return iova + PhysicalMemory.PAGE_SIZE - 1 & -PhysicalMemory.PAGE_SIZE;
    }
}
