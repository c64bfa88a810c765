package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.iommu4j.machine.PhysicalMemory;

/**
 * When something was last unmapped near an address, of whatever tables: what lets most uses of a
 * translation pass without a closer look. Any thread may call any method.
 */
final class RecentRemovals {

    private static final int SLOTS = 1 << 17;
    private static final int LARGE_SHIFT = 21;
    private static final int MOST = 64;

    private final AtomicLongArray pages = new AtomicLongArray(SLOTS);
    private final AtomicLongArray blocks = new AtomicLongArray(SLOTS >> 4);
    private final AtomicLong elsewhere = new AtomicLong();

    /** [start, end) was unmapped. */
    void add(long start, long end, long moment) {
        if (end - start <= (long) MOST << PhysicalMemory.PAGE_SHIFT) {
            raise(pages, PhysicalMemory.PAGE_SHIFT, start, end, moment);
        } else if (end - start <= (long) MOST << LARGE_SHIFT) {
            raise(blocks, LARGE_SHIFT, start, end, moment);
        } else {
            elsewhere.accumulateAndGet(moment, Math::max);
        }
    }

    /** {@return true if certainly nothing was unmapped at an address since a moment} */
    boolean noneSince(long iova, long moment) {
        return pages.getAcquire(slot(pages, iova >>> PhysicalMemory.PAGE_SHIFT)) <= moment
                && blocks.getAcquire(slot(blocks, iova >>> LARGE_SHIFT)) <= moment
                && elsewhere.getAcquire() <= moment;
    }

    private static void raise(AtomicLongArray slots, int shift, long start, long end, long moment) {
        for (long i = start >>> shift; i <= (end - 1) >>> shift; i++) {
            slots.accumulateAndGet(slot(slots, i), moment, Math::max);
        }
    }

    private static int slot(AtomicLongArray slots, long index) {
        return (int) (index & slots.length() - 1);
    }
}
