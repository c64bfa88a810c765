package org.iommu4j.conformance.backend;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * Page tables written down as plainly as can be: how entries are made, found and taken away. Who
 * may do that when is the domain's business.
 */
final class SmallTables {

    /** An entry: where it is, what it is, and at which level. */
    record Slot(long address, long entry, int level) {}

    final PageTableFormat format;
    final PhysicalMemory memory;
    final CacheFlusher cache;
    final long root;
    final Set<Flaw> flaws;

    SmallTables(
            PageTableFormat format,
            PhysicalMemory memory,
            CacheFlusher cache,
            long root,
            Set<Flaw> flaws) {
        this.format = format;
        this.memory = memory;
        this.cache = cache;
        this.root = root;
        this.flaws = flaws;
        written(root, PhysicalMemory.PAGE_SIZE);
    }

    boolean has(Flaw flaw) {
        return flaws.contains(flaw);
    }

    int top() {
        return format.levels() - 1;
    }

    long span(int level) {
        return 1L << format.shift(level);
    }

    boolean isTable(long entry, int level) {
        return format.isPresent(entry) && !format.isLeaf(entry, level);
    }

    /** The level of leaves of a size. */
    int level(long leafSize) {
        int level = 0;
        while (span(level) < leafSize) {
            level++;
        }
        return level;
    }

    /** The size of the largest leaf, of some sizes, that fits. */
    long leafSize(long iova, long output, long left, long sizes) {
        long best = span(0);
        for (int level = 1; level <= top(); level++) {
            long span = span(level);
            boolean fits = ((iova | output) & span - 1) == 0 && span <= left;
            best = fits && (sizes & span) != 0 ? span : best;
        }
        return best;
    }

    /** The leaf that decides an address, if an entry is one. */
    Optional<Mapping> mapping(Slot slot, long iova) {
        long size = span(slot.level());
        return format.isPresent(slot.entry())
                ? Optional.of(
                        new Mapping(
                                iova & -size,
                                format.outputAddress(slot.entry(), slot.level()),
                                size,
                                format.access(slot.entry(), slot.level())))
                : Optional.empty();
    }

    private long slot(long table, long iova, int level) {
        return table + (iova >>> format.shift(level) & format.entries() - 1) * Long.BYTES;
    }

    /** The entry that decides an address: a leaf or an empty one. */
    Slot find(long iova) {
        long table = root;
        for (int level = top(); ; level--) {
            long at = slot(table, iova, level);
            long entry = memory.loadAcquire(at);
            if (!isTable(entry, level)) {
                return new Slot(at, entry, level);
            }
            table = format.tableAddress(entry);
        }
    }

    void written(long address, long bytes) {
        if (cache.isNeeded()) {
            cache.written(address, bytes);
            cache.fence();
        }
    }

    void store(long address, long value) {
        memory.storeRelease(address, value);
        written(address, Long.BYTES);
    }

    /** How many tables are missing for a leaf of a level. */
    int missing(long iova, int level, Set<Long> counted) {
        int missing = 0;
        for (int at = find(iova).level(); at > level; at--) {
            missing += counted.add(iova >>> format.shift(at) << 6 | at) ? 1 : 0;
        }
        return missing;
    }

    /** Puts a leaf where nothing is, with tables of the given pages on the way. */
    void plant(long iova, long leaf, int level, Deque<Long> pages) {
        for (Slot slot = find(iova); ; slot = find(iova)) {
            if (slot.level() == level) {
                store(slot.address(), leaf);
                return;
            }
            long page = pages.remove();
            memory.fill(page, 0, 0, format.entries());
            written(page, PhysicalMemory.PAGE_SIZE);
            store(slot.address(), format.tableEntry(page));
        }
    }

    /**
     * Makes a table of a leaf: one exchange, tried again where the unit has set a bit.
     *
     * @return true if the page is in use now
     */
    boolean split(Slot slot, long page) {
        long leaf = slot.entry();
        while (true) {
            fill(page, leaf, slot);
            if (!has(Flaw.A_ONLY_THE_PARENT_IS_WRITTEN_BACK)) {
                written(page, PhysicalMemory.PAGE_SIZE);
            }
            if (has(Flaw.A_SPLIT_BREAKS_BEFORE_IT_MAKES)) {
                memory.compareAndExchange(slot.address(), leaf, 0);
                leaf = 0;
            }
            if (has(Flaw.J_THE_ENTRY_IS_READ_AGAIN)) {
                leaf = memory.loadAcquire(slot.address());
            }
            long found = memory.compareAndExchange(slot.address(), leaf, parent(page));
            if (found == leaf) {
                written(slot.address(), Long.BYTES);
                return true;
            }
            if (has(Flaw.C_A_LOST_EXCHANGE_IS_AN_ERROR)) {
                throw new IommuException(
                        "the entry at 0x" + Long.toHexString(slot.address()) + " has changed");
            }
            if (!format.isPresent(found) || !format.isLeaf(found, slot.level())) {
                return false;
            }
            leaf = found;
        }
    }

    private long parent(long page) {
        long entry = format.tableEntry(page);
        return has(Flaw.F_A_TABLES_ENTRY_LACKS_BITS) ? entry & ~0x24L : entry;
    }

    private void fill(long page, long leaf, Slot slot) {
        long child = format.firstChild(leaf, slot.level());
        if (has(Flaw.D_HIGH_ATTRIBUTES_ARE_NOT_INHERITED)) {
            child &= format.addressMask() | 0xfff;
        }
        int below = slot.level() - 1;
        int wrong = has(Flaw.CHILDREN_ARE_TOO_FAR_APART) && below > 0 ? 0 : below;
        long step = span(wrong) >>> format.addressShift();
        memory.fill(page, child, step, format.entries());
    }

    /** Empties every leaf inside a range; what straddles its ends is left. Returns the bytes. */
    long clear(long table, int level, long base, long from, long to) {
        long bytes = 0;
        for (int i = 0; i < format.entries(); i++) {
            long start = base + i * span(level);
            long at = table + (long) i * Long.BYTES;
            if (start + span(level) <= from || start >= to) {
                continue;
            }
            long entry = memory.loadAcquire(at);
            if (isTable(entry, level)) {
                bytes += clear(format.tableAddress(entry), level - 1, start, from, to);
            } else if (format.isPresent(entry) && from <= start && start + span(level) <= to) {
                if (has(Flaw.K_CLEARED_ENTRIES_ARE_NOT_WRITTEN_BACK)) {
                    memory.storeRelease(at, 0);
                } else {
                    store(at, 0);
                }
                bytes += span(level);
            }
        }
        return bytes;
    }

    /** Unlinks the empty tables below one, in a range; true if it is empty itself then. */
    boolean reclaim(long table, int level, long base, long from, long to, Reclaimed reclaimed) {
        boolean empty = true;
        for (int i = 0; i < format.entries(); i++) {
            long at = table + (long) i * Long.BYTES;
            long entry = memory.loadAcquire(at);
            long start = base + i * span(level);
            boolean touched = start + span(level) > from && start < to;
            if (touched && isTable(entry, level)) {
                long child = format.tableAddress(entry);
                if (reclaim(child, level - 1, start, from, to, reclaimed)) {
                    store(at, 0);
                    reclaimed.table(child, start, span(level));
                    entry = 0;
                }
            }
            empty &= !format.isPresent(entry);
        }
        return empty;
    }

    /** Hears of tables that were unlinked. */
    @FunctionalInterface
    interface Reclaimed {
        void table(long page, long iova, long size);
    }

    /** Every page below a table, and it. */
    List<Long> pages(long table, int level) {
        List<Long> pages = new ArrayList<>();
        for (int i = 0; level > 0 && i < format.entries(); i++) {
            long entry = memory.loadAcquire(table + (long) i * Long.BYTES);
            if (isTable(entry, level)) {
                pages.addAll(pages(format.tableAddress(entry), level - 1));
            }
        }
        pages.add(table);
        return pages;
    }

    static Deque<Long> noPages() {
        return new ArrayDeque<>();
    }

    /** Notes in a gather that a leaf, or a table in its place, has changed. */
    void note(IotlbGather gather, long iova, long size, boolean structure) {
        gather.addRange(iova, size, span(0));
        if (structure && !has(Flaw.I_THE_LEAF_ONLY_HINT_IS_GIVEN)) {
            gather.markStructureChanged();
        }
    }
}
