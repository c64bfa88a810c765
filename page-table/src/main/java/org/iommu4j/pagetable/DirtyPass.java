package org.iommu4j.pagetable;

import java.util.Map;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.jspecify.annotations.Nullable;

/*
 * One pass over the entries of a range, a table at a time: its guard is taken, its leaves are looked at, each dirty bit is
 * cleared by an exchange that keeps what hardware sets meanwhile, the guard is let go, and only then the sink hears of it.
 *
 * A leaf from which a bit was cleared goes into the gather, and so does every pending span around it: hardware may hold the
 * old translation, dirty already, and write through it without a word until that is invalidated. Whatever was written by
 * then is covered by this report, since nobody copies a page before the sync has completed. In the table that a coalesce has
 * unlinked hardware may set bits until then too; the leaf in its place was born dirty, and is in this report.
 *
 * The same holds of a leaf that was removed, and whose unmap has not been synced.
 *
 * A report may still be under way when its tracking ends and another begins, whose bits it must not take. The new one
 * changes the number of the tracking before it takes every guard once, so who looks at the number under a guard knows.
 *
 * What a leaf says and what the tracking knows of removed leaves are looked at in this order, and a leaf is removed, and its
 * dirty bit noted, under one guard: so no write falls in between.
 */

/** Reports and clears the dirty bits of a range; the scratch space of a thread. */
final class DirtyPass {

    private static final DirtySink NOWHERE = (iova, size) -> {};
    private static final long NONE = -1;

    private final Tables tables;
    private final RangeChange change;
    private final Reserve reserve;
    private final DirtyRuns runs = new DirtyRuns();
    private final DirtyLeaves dirty;
    private final long mask;
    private DirtySink sink = NOWHERE;
    private boolean clears;
    private boolean splitsClean;
    private boolean mustSplit;
    private int splitAbove;
    private long splitAt;
    private long unsplit;
    private long number;
    private int tracking;

    DirtyPass(Tables tables, RangeChange change, Reserve reserve) {
        this.tables = tables;
        this.change = change;
        this.reserve = reserve;
        this.dirty = new DirtyLeaves(tables.entries());
        this.mask = tables.format.dirtyMask();
    }

    /**
     * Reports what is dirty in [first, last] and clears it; leaves above the granularity that are
     * dirty are split, if there are pages for that.
     *
     * @param within the number of the tracking
     * @param report its own number, for a witness
     * @throws IllegalStateException if the tracking has ended
     */
    void report(long first, long last, DirtySink to, IotlbGather gather, int within, long report) {
        tracking = within;
        sink = to;
        number = report;
        splitsClean = false;
        mustSplit = false;
        splitAbove = tables.leaves.tracked();
        guarded(first, last, gather);
    }

    /** Reports what is dirty in [first, last]. */
    void peek(long first, long last, DirtySink to, int within) {
        tracking = within;
        sink = to;
        splitsClean = false;
        splitAbove = tables.rootLevel;
        guarded(first, last, null);
    }

    /**
     * Clears what is dirty in [first, last].
     *
     * @param splits true to split every leaf above the granularity
     * @param report the number of the report with which tracking begins, for a witness
     * @throws TableMemoryExhaustedException if there are too few pages for that
     */
    void forget(long first, long last, boolean splits, IotlbGather gather, long report) {
        tracking = tables.unreported.tracking();
        sink = NOWHERE;
        number = report;
        splitsClean = splits;
        mustSplit = splits;
        splitAbove = splits ? tables.leaves.tracked() : tables.rootLevel;
        guarded(first, last, gather);
    }

    /** Runs; clears bits if there is a gather for it. */
    private void guarded(long first, long last, @Nullable IotlbGather gather) {
        clears = gather != null;
        runs.forget();
        unsplit = NONE;
        try {
            run(first, last, gather);
            reportRemoved(first, last, gather);
            runs.flush(sink);
        } catch (RuntimeException | Error e) {
            if (clears && isTracking()) {
                runs.keepFor(tables.unreported, tables.shift(highestLeaf()));
            }
            throw e;
        } finally {
            sink = NOWHERE;
        }
    }

    private boolean isTracking() {
        return tables.unreported.tracking() == tracking;
    }

    /** Above which no leaf of the domain was. */
    private int highestLeaf() {
        int level = tables.rootLevel;
        while (level > 0 && !tables.leaves.has(level)) {
            level--;
        }
        return level;
    }

    private void run(long first, long last, @Nullable IotlbGather gather) {
        long at = first;
        while (at <= last) {
            long place = tables.lockTop(at, 0);
            long table = Tables.tableOf(place);
            if (!isTracking()) {
                tables.guards.unlock(table);
                tables.unreported.requireTracking(tracking);
            }
            int level = Tables.levelOf(place);
            int from = tables.index(at, level);
            long base = at - ((long) from << tables.shift(level)) & -tables.span(level);
            int to = (int) Math.min(tables.entries() - 1, last - base >>> tables.shift(level));
            splitAt = NONE;
            int next = look(table, base, level, from, to);
            tables.settle();
            tables.guards.unlock(table);
            found(base, level, gather);
            at = Math.max(at, base + ((long) next << tables.shift(level)));
            if (splitAt != NONE && gather != null) {
                split(splitAt, level, gather);
            }
        }
    }

    /**
     * Looks at the leaves of a locked table from one entry to another; returns at which it stopped,
     * since that leads to a table or is to be split.
     */
    private int look(long table, long base, int level, int from, int to) {
        dirty.forget();
        if (level == 0) {
            return lookAtPages(table, base, from, to);
        }
        for (int i = from; i <= to; i++) {
            long slot = table + (long) i * Long.BYTES;
            long entry = tables.memory.loadPlain(slot);
            if (tables.isTable(entry, level)) {
                return i;
            }
            boolean isDirty = (entry & mask) != 0;
            if (tables.isPresent(entry) && (isDirty || splitsClean)) {
                long iova = base + ((long) i << tables.shift(level));
                if (level > splitAbove && iova != unsplit) {
                    splitAt = iova;
                    return i;
                }
                if (isDirty) {
                    dirty.mark(i, clears ? clean(slot, iova, level, 1) : 1);
                }
            }
        }
        return to + 1;
    }

    private int lookAtPages(long table, long base, int from, int to) {
        int i = from;
        while (i <= to) {
            long slot = table + (long) i * Long.BYTES;
            int clean = tables.memory.findAny(slot, mask, to + 1 - i);
            i += clean;
            slot += (long) clean * Long.BYTES;
            int left = to + 1 - i;
            if (left > 0) {
                long iova = base + ((long) i << tables.shift(0));
                int count = clears ? clean(slot, iova, 0, left) : dirtyFrom(slot, left);
                dirty.mark(i, count);
                i += count;
            }
        }
        return to + 1;
    }

    private int dirtyFrom(long slot, int most) {
        int count = 1;
        while (count < most
                && (tables.memory.loadPlain(slot + (long) count * Long.BYTES) & mask) != 0) {
            count++;
        }
        return count;
    }

    /**
     * Clears the dirty bits of neighbouring leaves, of which the first is dirty, and nothing else,
     * whatever hardware sets meanwhile; returns of how many. An entry that is not present is zero,
     * so none of them has the bit.
     */
    private int clean(long slot, long iova, int level, int most) {
        tables.cleaning(iova, iova + tables.span(level) - 1, number);
        int count = tables.memory.clearRun(slot, mask, tables.isWitnessed() ? 1 : most);
        if (tables.writesBack) {
            tables.cache.written(slot, (long) count * Long.BYTES);
        }
        return count;
    }

    /** Passes on what was found in a table, whose guard is let go. */
    private void found(long base, int level, @Nullable IotlbGather gather) {
        if (dirty.isEmpty()) {
            return;
        }
        int shift = tables.shift(level);
        try {
            if (gather != null) {
                long start = base + ((long) dirty.first() << shift);
                long end = base + ((long) dirty.end() << shift);
                gather.addRange(start, end - start, tables.span(level));
                tables.stripes.widen(gather, start, end, tables.span(0));
            }
            runs.add(base, shift, dirty.bits(), sink);
        } catch (RuntimeException | Error e) {
            if (clears && isTracking()) {
                tables.unreported.add(base, shift, dirty.bits());
            }
            throw e;
        }
    }

    private void split(long iova, int level, IotlbGather gather) {
        long last = iova + tables.span(level) - 1;
        try {
            change.splitting(iova, last, splitAbove);
            change.apply(iova, last, gather);
        } catch (TableMemoryExhaustedException e) {
            if (mustSplit) {
                throw e;
            }
            unsplit = iova;
        } finally {
            reserve.giveBack();
        }
    }

    /** Reports what was dirty when it was unmapped, or could not be reported before. */
    private void reportRemoved(long first, long last, @Nullable IotlbGather gather) {
        if (tables.unreported.isEmpty()) {
            return;
        }
        Map<Long, UnreportedWrites.Block> removed =
                tables.unreported.in(first, last, clears, tracking);
        int shift = tables.shift(0);
        try {
            removed.forEach((base, block) -> {
                if (gather != null) {
                    forget(base, Math.max(block.leafShift(), shift), gather);
                }
                runs.add(base, shift, block.pages(), sink);
            });
        } catch (RuntimeException | Error e) {
            if (clears && isTracking()) {
                removed.forEach(tables.unreported::putBack);
            }
            throw e;
        }
    }

    /**
     * Has hardware forget the leaves that were removed from a block, whose unmap may not have been
     * synced yet: they may be cached, and dirty.
     */
    private void forget(long base, int leafShift, IotlbGather gather) {
        long start = base & -(1L << leafShift);
        long size = Math.max(1L << leafShift, UnreportedWrites.BLOCK_BYTES);
        long end = Math.min(start + size, tables.span(tables.rootLevel) * tables.entries());
        gather.addRange(start, end - start, tables.span(0));
        tables.stripes.widen(gather, start, end, tables.span(0));
    }
}
