package org.iommu4j.conformance.backend;

import org.iommu4j.walker.PageTableFormat;

/** Makes leaves of tables whose children are equal and contiguous, from the bottom up. */
final class SmallMerge {

    private final SmallTables tables;
    private final SmallTables.Reclaimed replaced;
    private final PageTableFormat format;
    private final long bits;

    SmallMerge(SmallTables tables, SmallTables.Reclaimed replaced) {
        this.tables = tables;
        this.replaced = replaced;
        this.format = tables.format;
        this.bits = format.accessedMask() | format.dirtyMask();
    }

    /** Merges what lies in a range whole; returns how many leaves there are less. */
    long below(long table, int level, long base, long from, long to) {
        long merged = 0;
        for (int i = 0; i < format.entries(); i++) {
            long at = table + (long) i * Long.BYTES;
            long start = base + i * tables.span(level);
            long end = start + tables.span(level);
            long entry = tables.memory.loadAcquire(at);
            if (start < to && end > from && tables.isTable(entry, level)) {
                long child = format.tableAddress(entry);
                merged += below(child, level - 1, start, from, to);
                if (from <= start && end <= to && merges(at, entry, level)) {
                    replaced.table(child, start, tables.span(level));
                    merged += format.entries() - 1;
                }
            }
        }
        return merged;
    }

    private boolean merges(long at, long entry, int level) {
        long child = format.tableAddress(entry);
        long first = tables.memory.loadAcquire(child);
        int below = level - 1;
        if (!format.hasLeaves(level) || !format.isPresent(first) || tables.isTable(first, below)) {
            return false;
        }
        long output = format.outputAddress(first, below);
        if ((output & tables.span(level) - 1) != 0 || !areAlike(child, first, below)) {
            return false;
        }
        long leaf =
                output >>> format.addressShift()
                        | format.leafBits(format.access(first, below), level);
        if (tables.has(Flaw.COALESCE_BREAKS_BEFORE_IT_MAKES)) {
            tables.store(at, 0);
        }
        boolean drops = tables.has(Flaw.COALESCE_DROPS_DIRTY_BITS);
        tables.store(at, drops ? leaf : leaf | collected(child));
        if (!drops) {
            add(at, collected(child));
        }
        return true;
    }

    /** Sets bits, beside those that the unit may set. */
    private void add(long at, long more) {
        long entry = tables.memory.loadAcquire(at);
        while ((entry & more) != more) {
            long found = tables.memory.compareAndExchange(at, entry, entry | more);
            if (found == entry) {
                tables.written(at, Long.BYTES);
                return;
            }
            entry = found;
        }
    }

    private boolean areAlike(long child, long first, int level) {
        long step = tables.span(level) >>> format.addressShift();
        for (int i = 0; i < format.entries(); i++) {
            long entry = tables.memory.loadAcquire(child + (long) i * Long.BYTES);
            boolean alike = (entry & ~bits) == (first & ~bits) + i * step;
            if (!alike && !tables.has(Flaw.COALESCE_LOOKS_AT_NOTHING)) {
                return false;
            }
        }
        return true;
    }

    private long collected(long child) {
        long collected = 0;
        for (int i = 0; i < format.entries(); i++) {
            collected |= tables.memory.loadAcquire(child + (long) i * Long.BYTES) & bits;
        }
        return collected;
    }
}
