package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PartialUnmap;

/*
 * Unmap, cut and split are one walk over a range that differs in what it does to a leaf. Like a map it goes twice: first
 * it locks the tables it must look into and counts the pages it needs, then it changes entries without letting a guard
 * go. Tables that an unmap covers wholly need no look: they go as they are.
 */

/** Changes the leaves of one range; the scratch space of a thread, used again and again. */
final class RangeChange {

    /** What is done to the range. */
    enum Kind {
        UNMAP,
        CUT,
        SPLIT
    }

    private static final int MOST_EMPTIED = 16;

    private final Tables tables;
    private final Reserve reserve;
    private final Punch punch;
    private final PageNeed need = new PageNeed();
    private final ChangedRange changed = new ChangedRange();
    private final long[] emptied = new long[MOST_EMPTIED];
    private int emptiedCount;
    private Kind kind = Kind.UNMAP;
    private PartialUnmap partial = PartialUnmap.SPLIT;
    private int targetLevel;
    private boolean detached;
    private long wholeFirst;
    private long wholeLast;
    private final FoundLeaf refused = new FoundLeaf();
    private long bytes;

    RangeChange(Tables tables, Reserve reserve, Punch punch) {
        this.tables = tables;
        this.reserve = reserve;
        this.punch = punch;
    }

    /** What an unmap of [first, last] does to leaves that it covers in part. */
    void unmapping(long first, long last, PartialUnmap mode) {
        kind = Kind.UNMAP;
        partial = mode;
        punch.aim(first, last, Punch.HOLE, true);
    }

    /** No leaf shall straddle an end of [first, last]. */
    void cutting(long first, long last) {
        kind = Kind.CUT;
        punch.aim(first, last, tables.rootLevel, true);
    }

    /** No leaf that touches [first, last] shall stand above a level. */
    void splitting(long first, long last, int level) {
        kind = Kind.SPLIT;
        targetLevel = level;
        punch.aim(first, last, level, false);
    }

    /** How many bytes were mapped and are not any more, after {@link #apply} returned true. */
    long bytes() {
        return bytes;
    }

    /** The leaf that is covered only in part, after {@link #apply} returned false. */
    FoundLeaf refused() {
        return refused;
    }

    int emptiedCount() {
        return emptiedCount;
    }

    /** A table that came to be empty, as {@link EmptyTables} names it. */
    long emptied(int index) {
        return emptied[index];
    }

    /** Does it; false if a leaf is covered in part and may not be: nothing has changed then. */
    boolean apply(long first, long last, IotlbGather gather) {
        wholeFirst = first;
        wholeLast = last;
        int stop = tables.topLevel(first, last);
        expect(tables.descend(first, stop), first, last);
        while (true) {
            long place = tables.lockTop(first, stop);
            long top = Tables.tableOf(place);
            int level = Tables.levelOf(place);
            need.reset();
            if (!plan(top, level, first, last)) {
                unlock(top, level, first, last, refused.iova());
                return false;
            }
            if (reserve.holds(need)) {
                bytes = 0;
                emptiedCount = 0;
                changed.reset();
                finish(top, level, first, commit(top, level, first, last, gather));
                collect(first, last, gather);
                return true;
            }
            unlock(top, level, first, last, last);
            reserve.fillForSplit(need);
        }
    }

    /** Has pages at hand for a leaf that will be split, as it looks unlocked. */
    private void expect(long place, long first, long last) {
        int level = Tables.levelOf(place);
        if (level > 0 && tables.index(first, level) == tables.index(last, level)) {
            long slot = tables.slot(Tables.tableOf(place), first, level);
            need.reset();
            if (planLeaf(tables.memory.loadPlain(slot), level, first, last)) {
                reserve.expectForSplit(need);
            }
        }
    }

    /** Tells the gather, after the change, what hardware must forget. */
    private void collect(long first, long last, IotlbGather gather) {
        changed.addTo(gather, tables);
        if (!changed.isOneSpan(first, last)) {
            long end = Math.max(last, changed.last()) + 1;
            tables.stripes.widen(gather, Math.min(first, changed.first()), end, tables.span(0));
        }
    }

    /**
     * Locks what must be looked into below a locked table, and counts pages; false if a leaf is in
     * the way.
     */
    private boolean plan(long table, int level, long first, long last) {
        if (level == 0) {
            return true;
        }
        for (long at = first; at <= last; at = next(level, at, last)) {
            if (!planEntry(tables.slot(table, at, level), level, at, end(level, at, last))) {
                return false;
            }
        }
        return true;
    }

    private boolean planEntry(long slot, int level, long at, long end) {
        long entry = tables.memory.loadPlain(slot);
        if (!tables.isTable(entry, level)) {
            return planLeaf(entry, level, at, end);
        }
        if (looksInto(level, isWhole(level, at, end))) {
            tables.lockChild(tables.target(entry), at, level - 1);
            return plan(tables.target(entry), level - 1, at, end);
        }
        return true;
    }

    /** Counts the pages it takes to split what is no table; false if it is a leaf in the way. */
    private boolean planLeaf(long entry, int level, long at, long end) {
        if (!tables.isPresent(entry)
                || tables.isTable(entry, level)
                || (kind != Kind.SPLIT && isWhole(level, at, end))) {
            return true;
        }
        if (kind == Kind.UNMAP && partial != PartialUnmap.SPLIT) {
            refused.note(entry, level, at);
            return partial == PartialUnmap.WIDEN;
        }
        need.addAny(punch.tablesFor(level, base(level, at)));
        return true;
    }

    /** Unlocks a table and what {@link #plan} locked below it up to an address. */
    private void unlock(long table, int level, long first, long last, long limit) {
        if (level > 0) {
            for (long at = first; at <= Math.min(last, limit); at = next(level, at, last)) {
                long end = end(level, at, last);
                long entry = tables.memory.loadPlain(tables.slot(table, at, level));
                if (tables.isTable(entry, level) && looksInto(level, isWhole(level, at, end))) {
                    unlock(tables.target(entry), level - 1, at, end, limit);
                }
            }
        }
        tables.guards.unlock(table);
    }

    /** Changes the entries of a locked table; returns how many are not present any more. */
    private int commit(long table, int level, long first, long last, IotlbGather gather) {
        if (level == 0) {
            return kind == Kind.UNMAP ? clear(table, first, last) : 0;
        }
        int removed = 0;
        for (long at = first;
                at <= last;
                at = kind == Kind.CUT ? next(level, at, last) : end(level, at, last) + 1) {
            long end = end(level, at, last);
            long slot = tables.slot(table, at, level);
            long entry = tables.memory.loadPlain(slot);
            if (tables.isTable(entry, level)) {
                removed += commitTable(slot, tables.target(entry), level, at, end, gather);
            } else if (tables.isPresent(entry)) {
                removed += commitLeaf(slot, level, at, end, gather);
            }
        }
        noteDetached(gather);
        return removed;
    }

    /** The guard of a table is let go only when the tables it has lost are noted as pending. */
    private void noteDetached(IotlbGather gather) {
        if (detached) {
            detached = false;
            tables.stripes.change(wholeFirst, wholeLast + 1, gather);
            changed.structure(wholeFirst, wholeLast);
        }
    }

    private int commitTable(
            long slot, long child, int level, long at, long end, IotlbGather gather) {
        boolean whole = isWhole(level, at, end);
        if (looksInto(level, whole)) {
            finish(child, level - 1, at, commit(child, level - 1, at, end, gather));
            return 0;
        }
        if (kind != Kind.UNMAP) {
            return 0;
        }
        detached = true;
        tables.unmapping(at, end);
        bytes += Teardown.seize(tables, child, at, level - 1);
        tables.store(slot, 0);
        tables.settle();
        Teardown.takeApart(tables, child, at, level - 1, gather);
        tables.unmapped(at, end);
        return 1;
    }

    private int commitLeaf(long slot, int level, long at, long end, IotlbGather gather) {
        boolean whole = isWhole(level, at, end);
        long base = base(level, at);
        if (kind == Kind.UNMAP && (whole || partial == PartialUnmap.WIDEN)) {
            long top = base + tables.span(level) - 1;
            tables.unmapping(base, top);
            if (tables.isTracked()) {
                RemovedLeaves.clear(tables, slot, level, base);
            } else {
                tables.store(slot, 0);
            }
            tables.unmapped(base, top);
            bytes += tables.span(level);
            changed.leaf(base, top, level);
            return 1;
        }
        if (kind == Kind.SPLIT ? level > targetLevel : !whole) {
            punch.replace(slot, level, base, gather);
            bytes += end - at + 1;
            changed.structure(base, base + tables.span(level) - 1);
        }
        return 0;
    }

    private int clear(long table, long first, long last) {
        int count = (int) ((last - first) >>> tables.shift(0)) + 1;
        long slot = tables.slot(table, first, 0);
        int removed =
                tables.isTracked()
                        ? RemovedLeaves.clear(tables, slot, first, count)
                        : SinglePages.clear(tables, slot, first, count);
        if (removed > 0) {
            bytes += removed * tables.span(0);
            changed.leaf(first, last, 0);
        }
        return removed;
    }

    /** Lets a table go that the operation is done with. */
    private void finish(long table, int level, long iova, int removed) {
        tables.settle();
        int present = tables.guards.presentIn(table) - removed;
        tables.guards.unlockCounting(table, -removed);
        if (present == 0 && removed > 0 && level < tables.rootLevel) {
            emptied[emptiedCount++] = EmptyTables.name(tables, iova, level);
        }
    }

    /** True if a table below an entry of a level must be locked and looked into. */
    private boolean looksInto(int level, boolean whole) {
        return kind == Kind.SPLIT ? level - 1 > targetLevel : !whole;
    }

    /**
     * The next entry to look at before changing anything: the last one, unless every one matters.
     */
    private long next(int level, long at, long last) {
        long following = end(level, at, last) + 1;
        return kind == Kind.SPLIT || following > last
                ? following
                : Math.max(following, base(level, last));
    }

    private long base(int level, long iova) {
        return iova & -tables.span(level);
    }

    private long end(int level, long at, long last) {
        return Math.min(last, at | tables.span(level) - 1);
    }

    private boolean isWhole(int level, long at, long end) {
        return end - at == tables.span(level) - 1;
    }
}
