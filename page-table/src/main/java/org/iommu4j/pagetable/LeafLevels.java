package org.iommu4j.pagetable;

import org.iommu4j.walker.PageTableFormat;

/**
 * The levels at which leaves may stand, as a bit each: those of the domain, and while writes are
 * tracked the lower ones at which leaves are made.
 *
 * <p>The bounds are read by who holds the guard of a table, and set by who then takes every table's
 * guard once: after that everybody knows them.
 */
final class LeafLevels {

    private final PageTableFormat format;
    private final int all;
    private int mapped;
    private int merged;
    private int tracked;

    LeafLevels(PageTableFormat format, long pageSizes) {
        this.format = format;
        int levels = 0;
        for (int level = 0; level < format.levels(); level++) {
            levels |= (pageSizes & 1L << format.shift(level)) != 0 ? 1 << level : 0;
        }
        this.all = levels;
        this.mapped = levels;
        this.merged = levels;
        this.tracked = format.levels();
    }

    /** True if the domain may have leaves at a level. */
    boolean has(int level) {
        return (all >>> level & 1) != 0;
    }

    /** The levels at which maps make leaves now, a bit each. */
    int mapped() {
        return mapped;
    }

    /** True if tables are merged into leaves of a level now. */
    boolean merges(int level) {
        return (merged >>> level & 1) != 0;
    }

    /** Above which level leaves that are found dirty are split. */
    int tracked() {
        return tracked;
    }

    /**
     * Has no leaf be made above a level.
     *
     * @param lazily true if maps still may
     */
    void bound(int level, boolean lazily) {
        tracked = level;
        merged = all & (2 << level) - 1;
        mapped = lazily ? all : merged;
    }

    /** Has leaves be made at all levels of the domain again. */
    void unbound() {
        mapped = all;
        merged = all;
    }

    /**
     * The level of the leaves of a page size.
     *
     * @throws IllegalArgumentException if the size is none of the domain's
     */
    int of(long pageSize) {
        long sizes = 0;
        for (int level = 0; level < format.levels(); level++) {
            long size = 1L << format.shift(level);
            if (has(level) && size == pageSize) {
                return level;
            }
            sizes |= has(level) ? size : 0;
        }
        throw new IllegalArgumentException(
                "page size 0x"
                        + Long.toHexString(pageSize)
                        + "; the page sizes of this domain are 0x"
                        + Long.toHexString(sizes)
                        + ", OR-ed together");
    }
}
