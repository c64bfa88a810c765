package org.iommu4j.emulator;

import org.iommu4j.emulator.DirtyReports.Report;
import org.jspecify.annotations.Nullable;

/**
 * What software has said of the addresses of one set of tables. Any thread may call any method; an
 * end is exclusive.
 */
final class BelievedTables {

    private static final int MOST_RANGES = 1 << 17;

    /** What was unmapped at a moment. */
    record Removal(long start, long end, long moment) {}

    /**
     * What software has cleaned of its dirty bits: a leaf, or all at the begin of tracking.
     *
     * @param start the first address
     * @param end the end, exclusive
     * @param slot where the entry is; 0 if there are many
     * @param moment when
     * @param report in which report it says so
     */
    record Cleaning(long start, long end, long slot, long moment, Report report) {}

    /**
     * What was invalidated: whatever was removed by a moment; complete at another. It keeps in mind
     * a wider one of the same addresses.
     */
    private record Invalidation(
            long start,
            long end,
            boolean structure,
            long of,
            long at,
            @Nullable Invalidation wider) {

        boolean covers(long from, long to) {
            return start <= from && to <= end;
        }

        @Nullable Invalidation widest() {
            return wider != null && wider.end - wider.start > end - start
                    ? wider
                    : new Invalidation(start, end, structure, of, at, null);
        }

        boolean forgets(long from, long to, boolean tables, long moment, long begun) {
            boolean itself =
                    covers(from, to) && of > moment && at <= begun && (structure || !tables);
            return itself || wider != null && wider.forgets(from, to, tables, moment, begun);
        }
    }

    private final long root;
    private final SpanMap<Long> mapped = new SpanMap<>(MOST_RANGES, Math::max);
    private final SpanMap<Removal> removed = new SpanMap<>(MOST_RANGES, null);
    private final SpanMap<Cleaning> cleaned = new SpanMap<>(MOST_RANGES, null);
    private final SpanMap<Invalidation> invalidated = new SpanMap<>(MOST_RANGES, null);
    private volatile EntryFormat format = SecondStageEntry.FORMAT;
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

    /** {@return how their entries are read} */
    EntryFormat format() {
        return format;
    }

    /** A unit has read how many levels they have, and how their entries are read. */
    void shape(int count, EntryFormat as) {
        format = as;
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
        removed.put(start, end, new Removal(start, end, moment));
    }

    void cleaned(Cleaning cleaning) {
        cleaned.put(cleaning.start, cleaning.end, cleaning);
    }

    void invalidated(long start, long end, boolean structure, long of, long at) {
        Invalidation before = invalidated.at(start);
        boolean same = before != null && before.covers(start, end);
        Invalidation wider = before != null && same ? before.widest() : null;
        invalidated.put(start, end, new Invalidation(start, end, structure, of, at, wider));
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

    /** {@return what was last unmapped at an address, or null if nothing ever was} */
    @Nullable Removal removedAt(long iova) {
        return removed.at(iova);
    }

    /** {@return what was last cleaned at an address, or null if nothing ever was} */
    @Nullable Cleaning cleanedAt(long iova) {
        return cleaned.at(iova);
    }

    /** {@return which invalidation of an address came last, as a person reads it} */
    String lastInvalidation(long iova) {
        Invalidation last = invalidated.at(iova);
        return last == null
                ? "software has said of no invalidation there"
                : String.format(
                        "the last invalidation there that software has said of was of 0x%x-0x%x,"
                                + " as of %d and complete at %d",
                        last.start, last.end - 1, last.of, last.at);
    }

    /**
     * Says whether translations of what was removed must be forgotten.
     *
     * @param iova an address that was removed
     * @param removal with what
     * @param tables true if paging-structure caches must have forgotten, too
     * @param begun a later moment
     * @return true if an invalidation of all that was removed was complete when {@code begun} came
     */
    boolean isForgotten(long iova, Removal removal, boolean tables, long begun) {
        return isForgotten(iova, removal.start, removal.end, tables, removal.moment, begun);
    }

    /** The same for what hardware knew of one address at a moment. */
    boolean isForgotten(long iova, boolean tables, long moment, long begun) {
        return isForgotten(iova, iova, iova + 1, tables, moment, begun);
    }

    private boolean isForgotten(
            long iova, long start, long end, boolean tables, long moment, long begun) {
        Invalidation last = invalidated.at(iova);
        return last != null && last.forgets(start, end, tables, moment, begun);
    }
}
