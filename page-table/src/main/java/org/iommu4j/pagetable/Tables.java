package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.PageTableFormat;
import org.jspecify.annotations.Nullable;

/**
 * One tree of tables: the constants of its format at hand, where its root is, and the descent.
 *
 * <p>What every operation shares and none of them changes. A <em>place</em> is a table and its
 * level in one word: the level stands in the low bits that a page address leaves free.
 */
final class Tables {

    private static final VarHandle STATE = state();

    private static final int IS_CLOSED = 1;
    private static final int IS_TRACKED = 2;

    private static final int WORD_SHIFT = 3;
    private static final int RECENT_PAGE_TABLES = 1 << 10;
    private static final int MOST_RECENT_PAGE_TABLES = 1 << 14;
    private static final int RECENT_UPPER_TABLES = 1 << 6;
    private static final int LEVEL_BITS = PhysicalMemory.PAGE_SIZE - 1;

    final PhysicalMemory memory;
    final PageTableFormat format;
    final CacheFlusher cache;
    final Witness witness;
    private final boolean witnessed;
    private final boolean heard;
    final Guards guards;
    final TableCounts counts;
    final Stripes stripes;
    final Epochs epochs = new Epochs();
    final RecentTables recent;
    final RecentTables recentUpper;
    final long root;
    final int rootLevel;
    private final int rootShift;
    private final int lowestTableShift;
    final int tableBytes;
    final boolean writesBack;
    final LeafLevels leaves;
    private final int indexBits;
    private final int indexMask;
    private final long slotMask;
    private final long presentMask;
    private final long tableBits;
    private final long tableTest;
    private final long addressMask;
    private final byte[] topLevels = new byte[Long.SIZE + 1];
    private final byte[] spanLevels = new byte[Long.SIZE];
    private final int addressShift;
    private final @Nullable FourLevelWalk fourLevels;

    final UnreportedWrites unreported = new UnreportedWrites();
    private volatile int state; // changed through STATE

    Tables(
            PageTableFormat format,
            PhysicalMemory memory,
            CacheFlusher cache,
            Witness witness,
            long pageSizes,
            long root,
            TableCounts counts) {
        this.format = format;
        this.memory = memory;
        this.cache = cache;
        this.witness = witness;
        this.witnessed = isHeard(witness);
        this.counts = counts;
        this.stripes = new Stripes(memory, witness, epochs);
        this.root = root;
        this.rootLevel = format.levels() - 1;
        this.guards = new Guards(memory, format);
        this.recent = new RecentTables(guards, RECENT_PAGE_TABLES, MOST_RECENT_PAGE_TABLES);
        this.recentUpper = new RecentTables(guards, RECENT_UPPER_TABLES, RECENT_UPPER_TABLES);
        this.writesBack = cache.isNeeded();
        this.heard = writesBack || witnessed;
        this.indexBits = format.indexBits();
        this.indexMask = format.entries() - 1;
        this.slotMask = (long) indexMask << WORD_SHIFT;
        this.rootShift = format.shift(rootLevel);
        this.lowestTableShift = shift(1);
        this.tableBytes = format.entries() * Long.BYTES;
        this.presentMask = format.presentMask();
        this.tableBits = format.tableBits();
        this.tableTest = format.tableBits() | format.leafTest();
        this.addressMask = format.addressMask();
        this.addressShift = format.addressShift();
        this.fourLevels =
                FourLevelWalk.fits(format) ? new FourLevelWalk(memory, format, root) : null;
        this.leaves = new LeafLevels(format, pageSizes);
        for (int level = 1; level <= rootLevel; level++) {
            spanLevels[shift(level)] = (byte) level;
        }
        for (int bits = 0; bits < topLevels.length; bits++) {
            int level = (bits - PhysicalMemory.PAGE_SHIFT + indexBits - 1) / indexBits - 1;
            topLevels[bits] = (byte) Math.clamp(level, 0, rootLevel);
        }
    }

    /** True if a range is a part of what one table of level 0 holds. */
    boolean isInOneTable(long iova, long size) {
        return (iova ^ iova + size - 1) >>> lowestTableShift == 0 && size >>> lowestTableShift == 0;
    }

    /** How far an address is shifted to index a table at a level. */
    int shift(int level) {
        return PhysicalMemory.PAGE_SHIFT + indexBits * level;
    }

    /** How many bytes an entry at a level decides. */
    long span(int level) {
        return 1L << shift(level);
    }

    /** How far the entries of neighbouring leaves at a level are apart. */
    long step(int level) {
        return span(level) >>> addressShift;
    }

    /**
     * The level, above 0, at which an entry decides so many bytes, a power of two; 0 if none does.
     */
    int levelOfSpan(long bytes) {
        return spanLevels[Long.numberOfTrailingZeros(bytes)];
    }

    /** True if a table fills its page. */
    boolean fillPages() {
        return tableBytes == PhysicalMemory.PAGE_SIZE;
    }

    int entries() {
        return indexMask + 1;
    }

    int index(long iova, int level) {
        return (int) (iova >>> shift(level)) & indexMask;
    }

    boolean isPresent(long entry) {
        return (entry & presentMask) != 0;
    }

    /** How many of neighbouring entries are present. */
    int present(long slot, int count) {
        return count == 1
                ? isPresent(memory.loadPlain(slot)) ? 1 : 0
                : memory.countAny(slot, presentMask, count);
    }

    boolean isTable(long entry, int level) {
        return level > 0 && pointsToTable(entry);
    }

    /* One comparison: every entry that points to a table was stored by this engine, with all of its constant bits. */
    private boolean pointsToTable(long entry) {
        return (entry & tableTest) == tableBits;
    }

    /** An address as it stands in an entry. */
    long addressBits(long address) {
        return address >>> addressShift;
    }

    long target(long entry) {
        return (entry & addressMask) << addressShift;
    }

    long slot(long table, long iova, int level) {
        return table + (iova >>> shift(level) - WORD_SHIFT & slotMask);
    }

    /** The same for level 0. */
    long slot(long table, long iova) {
        return table + (iova >>> PhysicalMemory.PAGE_SHIFT - WORD_SHIFT & slotMask);
    }

    static long tableOf(long place) {
        return place & -LEVEL_BITS - 1;
    }

    static int levelOf(long place) {
        return (int) place & LEVEL_BITS;
    }

    /** The level of the lowest table that holds a range as a part of it, not as the whole. */
    int topLevel(long first, long last) {
        long differing = first ^ last;
        int bits = Long.SIZE - Long.numberOfLeadingZeros(differing);
        boolean wholeBlock = (first & differing) == 0 && Long.bitCount(differing) == bits;
        return topLevels[wholeBlock ? bits + 1 : bits];
    }

    /**
     * The lowest table on an address's way, not below a level. Takes no guard: the table must be
     * proved by its guard.
     */
    long descend(long iova, int stop) {
        if (fourLevels != null && stop <= 1) {
            return stop == 0 ? fourLevels.descend(iova) : fourLevels.descendToOne(iova);
        }
        long table = root;
        int level = rootLevel;
        for (int shift = rootShift; level > stop; shift -= indexBits) {
            long entry = memory.loadPlain(table + ((iova >>> shift & indexMask) << WORD_SHIFT));
            long next = (entry & addressMask) << addressShift;
            if (!pointsToTable(entry) || !memory.containsPage(next)) {
                break;
            }
            table = next;
            level--;
        }
        return table | level;
    }

    /**
     * Walks down to the table of a level that holds an address, and notes it as a recent one. It
     * must be proved by its guard.
     *
     * @return its page, or {@link RecentTables#NONE}
     */
    long search(long iova, int level, long identity) {
        long place = descend(iova, level);
        if (levelOf(place) != level) {
            return RecentTables.NONE;
        }
        long table = tableOf(place);
        (level == 0 ? recent : recentUpper).noteFound(identity, table);
        return table;
    }

    /**
     * The table of a level above 0 that holds an address, found lately or now; but it must be
     * proved by its guard.
     *
     * @return its page, or {@link RecentTables#NONE}
     */
    long probable(long iova, int level, long identity) {
        long known = recentUpper.find(identity);
        return guards.isThere(known, identity) ? known : search(iova, level, identity);
    }

    /**
     * Locks the lowest table on an address's way, not below a level. When this returns, the table
     * either stands at that level, or its entry for the address is no table.
     *
     * @return the place
     * @throws IllegalStateException if the tables are closed
     */
    long lockTop(long iova, int stop) {
        while (true) {
            long place = descend(iova, stop);
            long table = tableOf(place);
            int level = levelOf(place);
            boolean live = guards.lock(table, guards.identity(iova, level)) != Guards.GONE;
            if (isClosed()) {
                if (live) {
                    guards.unlock(table);
                }
                throw closedException();
            }
            if (!live) {
                memory.spin();
                continue;
            }
            long entry = level == stop ? 0 : memory.loadPlain(slot(table, iova, level));
            if (!isTable(entry, level)) {
                return place;
            }
            guards.unlock(table);
            if (!memory.containsPage(target(entry))) {
                throw new IllegalStateException(
                        "the table at 0x"
                                + Long.toHexString(table)
                                + " points outside of the memory: it was changed from outside");
            }
        }
    }

    static IllegalStateException closedException() {
        return new IllegalStateException("the domain is closed");
    }

    /**
     * Locks a child of a table that is locked; it is live, since only a holder of its parent's
     * guard unlinks it. Returns the word of its guard, not locked.
     */
    long lockChild(long child, long iova, int level) {
        long guard = guards.lock(child, guards.identity(iova, level));
        if (guard == Guards.GONE) {
            throw new IllegalStateException(
                    "no live table of level "
                            + level
                            + " for 0x"
                            + Long.toHexString(iova)
                            + " at 0x"
                            + Long.toHexString(child)
                            + ": the tables were changed from outside");
        }
        return guard;
    }

    /** Stores an entry that hardware may see. */
    void store(long slot, long entry) {
        memory.storeRelease(slot, entry);
        stored(slot, 1);
    }

    /** Stores neighbouring entries that hardware may see. */
    void fill(long slot, long first, long step, int count) {
        memory.fill(slot, first, step, count);
        stored(slot, count);
    }

    /** Makes what was stored visible to the hardware, before anybody may rely on it. */
    void settle() {
        if (writesBack) {
            cache.fence();
        }
    }

    /** True if anybody is to be told of what was stored. */
    boolean isHeard() {
        return heard;
    }

    /** Has neighbouring entries that were stored be written back. */
    void stored(long slot, int count) {
        if (writesBack) {
            cache.written(slot, (long) count * Long.BYTES);
        }
    }

    /** True if somebody hears what the engine believes. */
    boolean isWitnessed() {
        return witnessed;
    }

    /** Says that [first, last] is mapped and written back; the caller holds its table's guard. */
    void mapped(long first, long last) {
        if (witnessed) {
            witness.mapped(root, first, last - first + 1);
        }
    }

    /** Says that [first, last] is about to be unmapped; the caller holds its table's guard. */
    void unmapping(long first, long last) {
        if (witnessed) {
            witness.unmapping(root, first, last - first + 1);
        }
    }

    /** Says that [first, last] was unmapped; the caller still holds its table's guard. */
    void unmapped(long first, long last) {
        if (witnessed) {
            witness.unmapped(root, first, last - first + 1);
        }
    }

    /**
     * Says that dirty bits of [first, last] are about to be cleared, under the guard of its table.
     */
    void cleaning(long first, long last, long report) {
        if (witnessed) {
            witness.cleaning(root, first, last - first + 1, report);
        }
    }

    /** Says that a table was unlinked. */
    void unlinked(long table) {
        if (witnessed) {
            witness.tableUnlinked(root, table);
        }
    }

    boolean isClosed() {
        return (state & IS_CLOSED) != 0;
    }

    /** Closes the tables; false if they are closed already. */
    boolean closeOnce() {
        boolean first = ((int) STATE.getAndBitwiseOr(this, IS_CLOSED) & IS_CLOSED) == 0;
        if (first) {
            for (int i = 0; i < Stripes.COUNT; i++) {
                stripes.get(i).close();
            }
        }
        return first;
    }

    /** True if dirty bits of leaves that go must be known; asked under their table's guard. */
    boolean isTracked() {
        return (state & IS_TRACKED) != 0;
    }

    /** True if the tables are open and nobody tracks writes. */
    boolean isPlain() {
        return state == 0;
    }

    /**
     * Has writes be tracked. It holds for every table whose guard is taken from now on.
     *
     * @param level the highest at which leaves are made
     * @param lazily true if only tables are kept from being merged above it
     */
    void track(int level, boolean lazily) {
        unreported.clear();
        leaves.bound(level, lazily);
        STATE.getAndBitwiseOr(this, IS_TRACKED);
    }

    /** Has writes be tracked no more. */
    void untrack() {
        STATE.getAndBitwiseAnd(this, ~IS_TRACKED);
        leaves.unbound();
        unreported.clear();
    }

    @SuppressWarnings("ReferenceEquality") // nobody but NONE says that it does not listen
    private static boolean isHeard(Witness witness) {
        return witness != Witness.NONE;
    }

    private static VarHandle state() {
        try {
            return MethodHandles.lookup().findVarHandle(Tables.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
