package org.iommu4j.pagetable;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * All of a small tree, read at once: what every page translates to, where the tables are, and what
 * is wrong with them.
 */
final class TinyTree {

    private static final long LOCKED = 1;
    private static final int TAG_SHIFT = 11;
    private static final int OWNER_SHIFT = 48;

    /** Gives the words that a reader sees. */
    interface Words {

        long load(int level, long address);
    }

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private final TestAllocator allocator;
    private final long root;
    private final long[] translations;
    private final long[] leafSizes;
    private final long[] entries;
    private final BitSet tables = new BitSet();
    private final SortedMap<Long, Long> leaves = new TreeMap<>();
    private int emptyTables;

    TinyTree(PageTableFormat format, PhysicalMemory memory, TestAllocator allocator, long root) {
        this.format = format;
        this.memory = memory.unobserved();
        this.allocator = allocator;
        this.root = root;
        this.translations = new long[1 << format.addressWidth() - PhysicalMemory.PAGE_SHIFT];
        this.leafSizes = new long[translations.length];
        this.entries = new long[translations.length];
    }

    /** Reads memory as it is. */
    TinyTree read() {
        return read((level, address) -> memory.loadAcquire(address));
    }

    /**
     * Reads it anew.
     *
     * @throws AssertionError if an entry leads to a page that is no table, or to one twice
     */
    TinyTree read(Words words) {
        Arrays.fill(translations, IommuDomain.NOT_MAPPED);
        Arrays.fill(leafSizes, 0);
        tables.clear();
        for (int level = 0; level < format.levels(); level++) {
            leaves.put(1L << format.shift(level), 0L);
        }
        emptyTables = 0;
        read(words, root, format.levels() - 1, 0);
        return this;
    }

    private void read(Words words, long table, int level, long base) {
        int index = (int) (table >>> PhysicalMemory.PAGE_SHIFT);
        if (!allocator.isTaken(table) || tables.get(index)) {
            throw new AssertionError(
                    "a table entry for 0x"
                            + Long.toHexString(base)
                            + " at level "
                            + (level + 1)
                            + " leads to 0x"
                            + Long.toHexString(table)
                            + (allocator.isTaken(table)
                                    ? ", which is linked twice"
                                    : ", which is free"));
        }
        tables.set(index);
        int present = 0;
        for (int i = 0; i < format.entries(); i++) {
            long entry = words.load(level, table + (long) i * Long.BYTES);
            long at = base + i * (1L << format.shift(level));
            if (format.isPresent(entry)) {
                present++;
                if (format.isLeaf(entry, level)) {
                    leaf(entry, level, at);
                } else {
                    read(words, format.tableAddress(entry), level - 1, at);
                }
            }
        }
        emptyTables += present == 0 && table != root ? 1 : 0;
    }

    private void leaf(long entry, int level, long at) {
        long size = 1L << format.shift(level);
        leaves.merge(size, 1L, Long::sum);
        for (long offset = 0; offset < size; offset += PhysicalMemory.PAGE_SIZE) {
            int page = (int) (at + offset >>> PhysicalMemory.PAGE_SHIFT);
            translations[page] = format.outputAddress(entry, level) + offset;
            leafSizes[page] = size;
            entries[page] = entry;
        }
    }

    /** What each page translates to. */
    long[] translations() {
        return translations;
    }

    /** The size of the leaf that maps a page; 0 if none does. */
    long leafSize(int page) {
        return leafSizes[page];
    }

    /** The leaf that maps a page; means nothing if none does. */
    long leaf(int page) {
        return entries[page];
    }

    PhysicalMemory memory() {
        return memory;
    }

    /** The numbers of the pages that are tables. */
    BitSet tables() {
        return tables;
    }

    /** How many leaves there are of each size. */
    SortedMap<Long, Long> leaves() {
        return leaves;
    }

    /** How many tables but the root have no entry. */
    int emptyTables() {
        return emptyTables;
    }

    /**
     * Requires of every linked table the right, unlocked guard word, and of every other page none.
     */
    void requireGuards() {
        long owner = memory.ledger().loadAcquire(root) >>> OWNER_SHIFT;
        requireGuards(owner, root, format.levels() - 1, 0);
        requireNone(tables);
    }

    /** Requires of every page that it has no guard word. */
    void requireNoGuards() {
        requireNone(new BitSet());
    }

    private void requireNone(BitSet but) {
        for (int index = 0; index < memory.size() / PhysicalMemory.PAGE_SIZE; index++) {
            if (!but.get(index)) {
                requireGuard((long) index << PhysicalMemory.PAGE_SHIFT, 0, "is no table");
            }
        }
    }

    private void requireGuards(long owner, long table, int level, long base) {
        int present = 0;
        for (int i = 0; i < format.entries(); i++) {
            long entry = memory.loadAcquire(table + (long) i * Long.BYTES);
            present += format.isPresent(entry) ? 1 : 0;
            if (format.isPresent(entry) && !format.isLeaf(entry, level)) {
                requireGuards(
                        owner,
                        format.tableAddress(entry),
                        level - 1,
                        base + i * (1L << format.shift(level)));
            }
        }
        int span = format.shift(level + 1);
        long tag = 1L << format.shift(format.levels()) - span | base >>> span;
        long word = owner << OWNER_SHIFT | tag << TAG_SHIFT | (long) present << 1;
        requireGuard(
                table,
                word,
                "is the table of level "
                        + level
                        + " for 0x"
                        + Long.toHexString(base)
                        + " with "
                        + present
                        + " entries");
    }

    private void requireGuard(long page, long expected, String what) {
        long word = memory.ledger().loadAcquire(page);
        boolean tableOnPendingWay = expected != 0 && Guards.settled(word) == expected;
        if (word != expected && !tableOnPendingWay) {
            throw new AssertionError(
                    "page 0x"
                            + Long.toHexString(page)
                            + " "
                            + what
                            + ", and its guard word is 0x"
                            + Long.toHexString(word)
                            + ((word & LOCKED) == 0 ? "" : ", locked")
                            + ", not 0x"
                            + Long.toHexString(expected));
        }
    }
}
