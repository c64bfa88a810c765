package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;

/*
 * First, under the guards of every table that exists in the range, look: is anything mapped there, and how many pages do
 * the missing tables take? Then, without letting a guard go, store. The two passes visit the same tables in the same
 * order; between them nobody else can change what the first one saw.
 */

/** Maps one range; the scratch space of a thread, used again and again. */
final class MapOperation {

    private final Tables tables;
    private final Reserve reserve;
    private final Nursery nursery;
    private final PageNeed need = new PageNeed();
    private final long[] leafBits;
    private final long[] tablesOfEntry;
    private int leafLevels;
    private int mappedLevels;
    private long offset;
    private final FoundLeaf conflict = new FoundLeaf();

    MapOperation(Tables tables, Reserve reserve, Nursery nursery) {
        this.tables = tables;
        this.reserve = reserve;
        this.nursery = nursery;
        this.leafBits = new long[tables.rootLevel + 1];
        this.tablesOfEntry = new long[tables.rootLevel + 2];
    }

    /** The first leaf in the way, after {@link #map} returned false. */
    FoundLeaf conflict() {
        return conflict;
    }

    /**
     * Maps [first, last].
     *
     * @param output what {@code first} translates to
     * @param small bits of a leaf of 4 KiB
     * @param large bits of a larger leaf, as far as they are the same at all levels
     * @return false if something is mapped there; nothing has changed then
     */
    boolean map(long first, long last, long output, long small, long large, IotlbGather gather) {
        prepare(first, output, small, large);
        int stop = tables.topLevel(first, last);
        expect(tables.descend(first, stop), first, last);
        while (true) {
            long place = tables.lockTop(first, stop);
            long top = Tables.tableOf(place);
            int level = Tables.levelOf(place);
            need.reset();
            if (!plan(top, level, first, last)) {
                unlock(top, level, first, conflict.iova());
                return false;
            }
            if (mappedLevels != tables.leaves.mapped()) {
                unlock(top, level, first, last);
                prepare(first, output, small, large);
                continue;
            }
            if (reserve.holds(need)) {
                int added = commit(top, level, first, last, gather);
                tables.settle();
                tables.guards.unlockCounting(top, added);
                tables.stripes.widen(gather, first, last + 1, tables.span(0));
                return true;
            }
            unlock(top, level, first, last);
            reserve.fill(need);
        }
    }

    /** Has pages at hand for the tables that are missing below one entry, as it looks unlocked. */
    private void expect(long place, long first, long last) {
        int level = Tables.levelOf(place);
        if (level > 0 && tables.index(first, level) == tables.index(last, level)) {
            long slot = tables.slot(Tables.tableOf(place), first, level);
            if (!tables.isPresent(tables.memory.loadPlain(slot))) {
                need.reset();
                planMissing(level, first, last);
                reserve.expect(need);
            }
        }
    }

    private void prepare(long first, long output, long small, long large) {
        offset = output - first;
        mappedLevels = tables.leaves.mapped();
        leafLevels = 0;
        tablesOfEntry[0] = 0;
        for (int level = 0; level <= tables.rootLevel; level++) {
            boolean leaf =
                    (mappedLevels >>> level & 1) != 0 && (offset & tables.span(level) - 1) == 0;
            leafLevels |= leaf ? 1 << level : 0;
            leafBits[level] = level == 0 ? small : large;
            tablesOfEntry[level] = leaf ? 0 : 1 + tables.entries() * tablesOfEntry[level - 1];
        }
    }

    /**
     * Locks the existing tables below a locked table in [first, last], and looks. False at the
     * first conflict.
     */
    private boolean plan(long table, int level, long first, long last) {
        long slot = tables.slot(table, first, level);
        for (long at = first; ; slot += Long.BYTES) {
            long end = Math.min(last, at | tables.span(level) - 1);
            long entry = tables.memory.loadPlain(slot);
            if (tables.isTable(entry, level)) {
                long child = tables.target(entry);
                tables.lockChild(child, at, level - 1);
                boolean clear =
                        isLeaf(level, at, end)
                                ? planReplaced(child, level - 1, at)
                                : plan(child, level - 1, at, end);
                if (!clear) {
                    return false;
                }
            } else if (tables.isPresent(entry)) {
                conflict.note(entry, level, at);
                return false;
            } else if (level > 0) {
                planMissing(level, at, end);
            }
            if (end == last) {
                return true;
            }
            at = end + 1;
        }
    }

    /**
     * Locks the tables below a locked table that a leaf shall replace; false if anything is mapped
     * there.
     */
    private boolean planReplaced(long table, int level, long first) {
        if (tables.guards.presentIn(table) == 0) {
            return true;
        }
        long span = tables.span(level);
        for (int i = 0; i < tables.entries(); i++) {
            long entry = tables.memory.loadPlain(table + (long) i * Long.BYTES);
            long at = first + i * span;
            if (tables.isTable(entry, level)) {
                tables.lockChild(tables.target(entry), at, level - 1);
                if (!planReplaced(tables.target(entry), level - 1, at)) {
                    return false;
                }
            } else if (tables.isPresent(entry)) {
                conflict.note(entry, level, at);
                return false;
            }
        }
        return true;
    }

    /** Counts the tables to build under an empty entry. */
    private void planMissing(int level, long first, long last) {
        if (coversEntry(level, first, last)) {
            need.addAny(tablesOfEntry[level]);
            return;
        }
        need.addZeroed(1);
        int below = level - 1;
        if (below == 0) {
            return;
        }
        long mask = tables.span(below) - 1;
        long wholeFrom = (first + mask) & ~mask;
        long wholeTo = (last + 1) & ~mask;
        if (wholeFrom > last || wholeTo <= first || wholeFrom > wholeTo) {
            planMissing(below, first, last);
            return;
        }
        need.addAny((wholeTo - wholeFrom >>> tables.shift(below)) * tablesOfEntry[below]);
        if (first < wholeFrom) {
            planMissing(below, first, wholeFrom - 1);
        }
        if (wholeTo <= last) {
            planMissing(below, wholeTo, last);
        }
    }

    /** Unlocks a table and the tables below it that {@link #plan} locked in [first, limit]. */
    private void unlock(long table, int level, long first, long limit) {
        if (level > 0) {
            long slot = tables.slot(table, first, level);
            for (long at = first; at <= limit; slot += Long.BYTES) {
                long end = Math.min(limit, at | tables.span(level) - 1);
                long entry = tables.memory.loadPlain(slot);
                if (tables.isTable(entry, level)) {
                    unlock(tables.target(entry), level - 1, at, end);
                }
                at = end + 1;
            }
        }
        tables.guards.unlock(table);
    }

    /**
     * Stores everything in [first, last] below a table; returns how many of its entries came to be
     * present.
     */
    private int commit(long table, int level, long first, long last, IotlbGather gather) {
        if (level == 0) {
            int count = (int) ((last - first) >>> tables.shift(0)) + 1;
            tables.fill(tables.slot(table, first, 0), leaf(0, first), tables.step(0), count);
            mapped(first, last);
            return count;
        }
        int added = 0;
        long slot = tables.slot(table, first, level);
        for (long at = first; ; slot += Long.BYTES) {
            long end = Math.min(last, at | tables.span(level) - 1);
            long entry = tables.memory.loadPlain(slot);
            if (tables.isTable(entry, level)) {
                commitOver(slot, tables.target(entry), level, at, end, gather);
            } else {
                added++;
                if (isLeaf(level, at, end)) {
                    tables.store(slot, leaf(level, at));
                    mapped(at, end);
                } else {
                    build(level - 1, at, end);
                    nursery.link(slot, at, end, tables.stripes.mayTouch(at, end + 1));
                }
            }
            if (end == last) {
                return added;
            }
            at = end + 1;
        }
    }

    /** Tells the witness; whoever else wants to change the range waits for the table's guard. */
    private void mapped(long first, long last) {
        if (tables.isWitnessed()) {
            tables.settle();
            tables.mapped(first, last);
        }
    }

    private void commitOver(
            long slot, long child, int level, long at, long end, IotlbGather gather) {
        if (isLeaf(level, at, end)) {
            tables.store(slot, leaf(level, at));
            tables.settle();
            tables.stripes.change(at, end + 1, gather);
            killLocked(child, at, level - 1, gather);
            tables.mapped(at, end);
            gather.addRange(at, end - at + 1, tables.span(0));
            gather.markStructureChanged();
        } else {
            int added = commit(child, level - 1, at, end, gather);
            tables.settle();
            tables.guards.unlockCounting(child, added);
        }
    }

    /** Takes away the empty tables that {@link #planReplaced} locked. */
    private void killLocked(long table, long iova, int level, IotlbGather gather) {
        if (level > 0 && tables.guards.presentIn(table) > 0) {
            for (int i = 0; i < tables.entries(); i++) {
                long entry = tables.memory.loadPlain(table + (long) i * Long.BYTES);
                if (tables.isTable(entry, level)) {
                    killLocked(
                            tables.target(entry), iova + i * tables.span(level), level - 1, gather);
                }
            }
        }
        Teardown.killEmpty(tables, table, gather);
    }

    /** Builds the table of a level for [first, last], and all below it. */
    private long build(int level, long first, long last) {
        long tableSpan = tables.span(level) * tables.entries();
        boolean whole = last - first == tableSpan - 1;
        long table = whole ? nursery.page() : nursery.zeroedPage();
        int from = tables.index(first, level);
        int to = tables.index(last, level);
        long base = first & -tableSpan;
        int i = from;
        while (i <= to) {
            long at = Math.max(first, base + i * tables.span(level));
            long end = Math.min(last, at | tables.span(level) - 1);
            if (isLeaf(level, at, end)) {
                int run = (int) ((last + 1 - at) >>> tables.shift(level));
                tables.memory.fill(
                        table + (long) i * Long.BYTES, leaf(level, at), tables.step(level), run);
                i += run;
            } else {
                long child = build(level - 1, at, end);
                tables.memory.storePlain(
                        table + (long) i * Long.BYTES, tables.format.tableEntry(child));
                i++;
            }
        }
        nursery.complete(table, first, level, to - from + 1);
        return table;
    }

    private boolean isLeaf(int level, long first, long last) {
        return (leafLevels >>> level & 1) != 0 && coversEntry(level, first, last);
    }

    private boolean coversEntry(int level, long first, long last) {
        return last - first == tables.span(level) - 1;
    }

    private long leaf(int level, long iova) {
        return leafBits[level] | tables.addressBits(iova + offset);
    }
}
