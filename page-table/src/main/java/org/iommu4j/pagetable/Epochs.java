package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Tells a reader that took no guard whether a table on its way may have been reused meanwhile: a
 * count for each stripe of addresses, which moves before freed pages go back to the allocator.
 *
 * <p>A stripe is a GiB of I/O virtual addresses, modulo 64. A reader that finds the same count
 * before and after its walk has read only tables that were tables of this tree, or had been until
 * after the walk began.
 */
final class Epochs {

    private static final int STRIPES = 64;
    private static final int STRIPE_SHIFT = 30;
    private static final int PADDING = 8;

    private final AtomicLongArray counts = new AtomicLongArray(STRIPES * PADDING);

    long at(long iova) {
        return counts.getAcquire(stripe(iova));
    }

    /** True if this is what {@link #at} returns after {@link #close}. */
    static boolean isClosed(long epoch) {
        return epoch < 0;
    }

    /** The tables are closed. One thread at a time calls this or {@link #move}. */
    void close() {
        for (int i = 0; i < counts.length(); i += PADDING) {
            counts.set(i, counts.getPlain(i) | Long.MIN_VALUE);
        }
    }

    /**
     * Moves the counts of all addresses in [start, end). One thread at a time calls it or {@link
     * #close}.
     */
    void move(long start, long end) {
        long stripes =
                Math.min(STRIPES, ((end - 1) >>> STRIPE_SHIFT) - (start >>> STRIPE_SHIFT) + 1);
        for (long i = 0; i < stripes; i++) {
            int stripe = stripe(start + (i << STRIPE_SHIFT));
            counts.setRelease(stripe, counts.getPlain(stripe) + 1);
        }
    }

    private static int stripe(long iova) {
        return (int) (iova >>> STRIPE_SHIFT & STRIPES - 1) * PADDING;
    }
}
