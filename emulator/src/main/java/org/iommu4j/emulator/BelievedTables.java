package org.iommu4j.emulator;

import org.jspecify.annotations.Nullable;

/**
 * What software has said of the addresses of one set of tables. Any thread may call any method; an
 * end is exclusive.
 */
final class BelievedTables {

    private static final int MOST_RANGES = 1 << 17;

    /** An invalidation that was completed at a moment, of what was removed before another. */
    private record Invalidation(long of, long at) {}

    private final long root;
    private final SpanMap<Long> mapped = new SpanMap<>(MOST_RANGES, Math::max);
    private final SpanMap<Long> removed = new SpanMap<>(MOST_RANGES, null);
    private final SpanMap<Invalidation> invalidated = new SpanMap<>(MOST_RANGES, null);
    private volatile int levels;

    BelievedTables(long root) {
        this.root = root;
    }

    long root() {
        return root;
    }

    /** {@return how many levels the tables have; 0 as long as no unit has read where they begin} */
    int levels() {
        return levels;
    }

    void levels(int count) {
        levels = count;
    }

    /** The root is the root of new tables. */
    void renew() {
        mapped.remove(0, Long.MAX_VALUE);
        levels = 0;
    }

    void mapped(long start, long end, long moment) {
        mapped.put(start, end, moment);
    }

    void unmapping(long start, long end) {
        mapped.remove(start, end);
    }

    void unmapped(long start, long end, long moment) {
        mapped.remove(start, end);
        removed.put(start, end, moment);
    }

    void invalidated(long start, long end, long of, long at) {
        invalidated.put(start, end, new Invalidation(of, at));
    }

    /** {@return since when an address is mapped; 0 if it is not} */
    long mappedSince(long iova) {
        Long moment = mapped.at(iova);
        return moment == null ? 0 : moment;
    }

    /** {@return true if an address of a range is mapped} */
    boolean isMapped(long start, long end) {
        return mapped.touches(start, end);
    }

    /** {@return when an address was last unmapped; 0 if it never was} */
    long removedAt(long iova) {
        Long moment = removed.at(iova);
        return moment == null ? 0 : moment;
    }

    /**
     * Says whether what a moment knew of an address must be forgotten.
     *
     * @param iova the address
     * @param moment the moment
     * @param begun a later moment
     * @return true if an invalidation of what was removed by then was complete when {@code begun}
     *     came
     */
    boolean isForgotten(long iova, long moment, long begun) {
        Invalidation last = lastInvalidation(iova);
        return last != null && last.of > moment && last.at <= begun;
    }

    private @Nullable Invalidation lastInvalidation(long iova) {
        return invalidated.at(iova);
    }
}
