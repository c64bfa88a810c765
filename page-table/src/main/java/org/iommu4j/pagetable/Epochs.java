package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Tells a reader that took no guard whether a table on its way may have been reused meanwhile: a
 * count for each stripe of addresses, which moves before freed pages go back to the allocator.
 *
 * <p>A reader that finds the same count before and after its walk has read only tables that were
 * tables of this tree, or had been until after the walk began.
 */
final class Epochs {

    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);
    /* Words from one stripe to the next, so that no two of them lie in one cache line or in a pair of lines. */
    private static final int APART = 16;

    private final long[] counts = new long[(Stripes.COUNT + 1) * APART];

    long at(long iova) {
        return (long) COUNT.getAcquire(counts, word(Stripes.number(iova)));
    }

    /** True if this is what {@link #at} returns after {@link #close}. */
    static boolean isClosed(long epoch) {
        return epoch < 0;
    }

    /** The tables are closed. The caller holds the stripe's lock. */
    void close(int stripe) {
        int word = word(stripe);
        COUNT.setVolatile(counts, word, counts[word] | Long.MIN_VALUE);
    }

    /** Moves the count of a stripe, whose lock the caller holds. */
    void move(int stripe) {
        int word = word(stripe);
        COUNT.setRelease(counts, word, counts[word] + 1);
    }

    private static int word(int stripe) {
        return (stripe + 1) * APART;
    }
}
