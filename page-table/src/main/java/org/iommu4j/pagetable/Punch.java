package org.iommu4j.pagetable;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.pagetable.event.SplitEvent;

/*
 * The split. A leaf that an operation covers only in part is replaced, by one exchange, by a table that is complete when
 * it is linked: outside the range it maps what the leaf mapped, with the largest leaves there are, inside it is what the
 * operation wants, which for an unmap is nothing. So the exchange is the split and the unmap at once, and there is no
 * state of memory in which a page that stays mapped is not.
 *
 * The leaf is read once. Should hardware set its accessed or dirty bit before the exchange, the exchange fails, and the
 * table is built again from what was found.
 */

/** Replaces leaves by tables, as a range cuts them; the scratch space of a thread. */
final class Punch {

    /** As the highest level of leaves inside the range: nothing may be left there. */
    static final int HOLE = -1;

    private final Tables tables;
    private final Nursery nursery;
    private final TableCounts.Share counts;
    private long first;
    private long last;
    private int insideLevel;
    private boolean cutsEdges;

    Punch(Tables tables, Nursery nursery, TableCounts.Share counts) {
        this.tables = tables;
        this.nursery = nursery;
        this.counts = counts;
    }

    /**
     * Sets how the leaves that touch [first, last] are cut from now on.
     *
     * @param insideLevel the highest level of leaves inside the range, or {@link #HOLE}
     * @param cutsEdges true if no leaf may straddle an end of the range, whatever its size
     */
    void aim(long first, long last, int insideLevel, boolean cutsEdges) {
        this.first = first;
        this.last = last;
        this.insideLevel = insideLevel;
        this.cutsEdges = cutsEdges;
    }

    /** How many tables it takes to replace the leaf of a level at an address; 0 if it may stay. */
    long tablesFor(int level, long iova) {
        if (isHole(level, iova) || mayBeLeaf(level, iova)) {
            return 0;
        }
        int below = level - 1;
        long count = 1;
        for (int i = 0; i < tables.entries(); ) {
            long at = iova + i * tables.span(below);
            int run = alike(below, at, tables.entries() - i);
            count += run * tablesFor(below, at);
            i += run;
        }
        return count;
    }

    /** Exchanges a leaf at {@code slot}, whose table the caller has locked, for its subtree. */
    void replace(long slot, int level, long iova, IotlbGather gather) {
        SplitEvent event = SplitEvent.begun();
        long top = iova + tables.span(level) - 1;
        if (insideLevel == HOLE) {
            tables.unmapping(Math.max(first, iova), Math.min(last, top));
        }
        long leaf = tables.memory.loadAcquire(slot);
        while (true) {
            build(leaf, level, iova);
            long found = nursery.exchange(slot, leaf);
            if (found == leaf) {
                tables.stripes.change(iova, iova + tables.span(level), gather);
                if (insideLevel == HOLE) {
                    if (tables.isTracked()) {
                        RemovedLeaves.note(
                                tables, leaf, level, Math.max(first, iova), Math.min(last, top));
                    }
                    tables.unmapped(Math.max(first, iova), Math.min(last, top));
                }
                nursery.comeAlive(true);
                counts.split();
                if (event != null) {
                    record(event, level, iova);
                }
                return;
            }
            nursery.abandon();
            leaf = changedByHardware(leaf, found, iova);
        }
    }

    private void record(SplitEvent event, int level, long iova) {
        event.end();
        long top = iova + tables.span(level) - 1;
        long hole = Math.min(last, top) - Math.max(first, iova) + 1;
        event.ended(
                tables.root,
                iova,
                tables.span(level),
                tables.span(lowest(level, iova)),
                (int) tablesFor(level, iova),
                insideLevel == HOLE ? hole : 0);
    }

    /** The lowest level at which there is a leaf, or was room for one, when a leaf is replaced. */
    private int lowest(int level, long iova) {
        if (isHole(level, iova) || mayBeLeaf(level, iova)) {
            return level;
        }
        int below = level - 1;
        int lowest = below;
        for (int i = 0; i < tables.entries(); ) {
            long at = iova + i * tables.span(below);
            lowest = Math.min(lowest, lowest(below, at));
            i += alike(below, at, tables.entries() - i);
        }
        return lowest;
    }

    private long changedByHardware(long leaf, long found, long iova) {
        long sets = tables.format.accessedMask() | tables.format.dirtyMask();
        if ((leaf & ~sets) != (found & ~sets)) {
            throw new IllegalStateException(
                    "the entry 0x"
                            + Long.toHexString(leaf)
                            + " for 0x"
                            + Long.toHexString(iova)
                            + " was changed to 0x"
                            + Long.toHexString(found)
                            + " from outside");
        }
        return found;
    }

    /** Builds the table that replaces a leaf, and all below it. */
    private long build(long leaf, int level, long iova) {
        int below = level - 1;
        long child = tables.format.firstChild(leaf, level);
        long table = nursery.page();
        if (below == 0) {
            nursery.complete(table, iova, 0, buildPages(table, child, iova));
            return table;
        }
        int present = 0;
        for (int i = 0; i < tables.entries(); ) {
            long at = iova + i * tables.span(below);
            long slot = table + (long) i * Long.BYTES;
            long entry = child + i * tables.step(below);
            int run = alike(below, at, tables.entries() - i);
            if (isHole(below, at)) {
                tables.memory.fill(slot, 0, 0, run);
            } else if (mayBeLeaf(below, at)) {
                tables.memory.fill(slot, entry, tables.step(below), run);
                present += run;
            } else {
                run = 1;
                tables.memory.storePlain(slot, tables.format.tableEntry(build(entry, below, at)));
                present++;
            }
            i += run;
        }
        nursery.complete(table, iova, below, present);
        return table;
    }

    /** Writes the entries of a table of level 0; returns how many are present. */
    private int buildPages(long table, long child, long iova) {
        int entries = tables.entries();
        tables.memory.fill(table, child, tables.step(0), entries);
        if (insideLevel != HOLE) {
            return entries;
        }
        int from = pages(first - iova);
        int hole = pages(last + 1 - iova) - from;
        tables.memory.fill(table + (long) from * Long.BYTES, 0, 0, hole);
        return entries - hole;
    }

    /** How many entries of a table of level 0 lie before an address at an offset from its first. */
    private int pages(long offset) {
        return (int) (Math.clamp(offset, 0L, tables.span(1)) >>> tables.shift(0));
    }

    /**
     * How many entries from an address on are alike: all outside the range, all inside it, or one
     * at its edge.
     */
    private int alike(int level, long at, int most) {
        if (isEdge(level, at)) {
            return 1;
        }
        long until = at > last ? Long.MAX_VALUE : at >= first ? last + 1 : first;
        return (int) Math.min(most, until - at >>> tables.shift(level));
    }

    private boolean mayBeLeaf(int level, long iova) {
        if (!tables.leaves.has(level)) {
            return false;
        }
        if (isEdge(level, iova)) {
            return !cutsEdges && level <= insideLevel;
        }
        return level <= insideLevel || !isInside(level, iova);
    }

    private boolean isHole(int level, long iova) {
        return insideLevel == HOLE && isInside(level, iova);
    }

    private boolean isInside(int level, long iova) {
        return first <= iova && iova + tables.span(level) - 1 <= last;
    }

    private boolean isEdge(int level, long iova) {
        return iova + tables.span(level) - 1 >= first && iova <= last && !isInside(level, iova);
    }
}
