package org.iommu4j.conformance.backend;

import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongUnaryOperator;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * The tables of one domain as a unit reads them: one load a level, nothing known but the root and
 * the format.
 *
 * @param format how they are read
 * @param memory where they are; nobody sees its accesses
 * @param root the physical address of the root table
 */
record UnitTables(PageTableFormat format, PhysicalMemory memory, long root) {

    /** A walk under way: one load at a time, so that memory can change in between. */
    final class Walk {

        private final long iova;
        private final LongUnaryOperator load;
        private long table = root;
        private int level = format.levels() - 1;
        private long entryAddress;
        private long entry;
        private boolean ended;

        Walk(long iova, LongUnaryOperator load) {
            this.iova = iova;
            this.load = load;
        }

        /** Makes one load; returns true if it was the last. */
        boolean step() {
            long index = iova >>> format.shift(level) & format.entries() - 1;
            entryAddress = table + index * Long.BYTES;
            entry = load.applyAsLong(entryAddress);
            ended = !format.isPresent(entry) || format.isLeaf(entry, level);
            if (!ended) {
                table = format.tableAddress(entry);
                level--;
            }
            return ended;
        }

        Walk toTheEnd() {
            while (!step()) {
                // one load a turn
            }
            return this;
        }

        long iova() {
            return iova;
        }

        boolean found() {
            return ended && format.isPresent(entry);
        }

        /** What the address translates to, or {@link IommuDomain#NOT_MAPPED}. */
        long output() {
            return found()
                    ? format.outputAddress(entry, level) + (iova & size() - 1)
                    : IommuDomain.NOT_MAPPED;
        }

        Access access() {
            return format.access(entry, level);
        }

        int level() {
            return level;
        }

        /** How many bytes the entry decides. */
        long size() {
            return 1L << format.shift(level);
        }

        long entry() {
            return entry;
        }

        long entryAddress() {
            return entryAddress;
        }

        @Override
        public String toString() {
            return found()
                    ? Hex.of(iova)
                            + " translates to "
                            + Hex.of(output())
                            + " ("
                            + access()
                            + "), by the entry "
                            + Hex.of(entry)
                            + " of level "
                            + level
                            + " at "
                            + Hex.of(entryAddress)
                    : Hex.of(iova)
                            + " translates to nothing, by the entry "
                            + Hex.of(entry)
                            + " of level "
                            + level
                            + " at "
                            + Hex.of(entryAddress);
        }
    }

    /** Begins a walk in memory as it is. */
    Walk begin(long iova) {
        return new Walk(iova, this::load);
    }

    /** Walks in memory as it is. */
    Walk walk(long iova) {
        return begin(iova).toTheEnd();
    }

    private long load(long address) {
        return memory.loadAcquire(address);
    }

    /** {@return every table page that can be reached from the root, with the root} */
    Set<Long> pages() {
        Set<Long> pages = new TreeSet<>();
        add(root, format.levels() - 1, pages);
        return pages;
    }

    private void add(long table, int level, Set<Long> pages) {
        pages.add(table);
        for (int i = 0; level > 0 && i < format.entries(); i++) {
            long entry = memory.loadAcquire(table + (long) i * Long.BYTES);
            if (format.isPresent(entry) && !format.isLeaf(entry, level)) {
                add(format.tableAddress(entry), level - 1, pages);
            }
        }
    }

    /**
     * Takes bits out of a leaf that its backend may have made with them, so that they can be set.
     */
    void clearBits(Walk leaf, long bits) {
        memory.compareAndExchange(leaf.entryAddress(), leaf.entry(), leaf.entry() & ~bits);
    }

    /** Does what a unit does that has used a leaf: sets bits in it, atomically. */
    boolean setBits(long entryAddress, long entry, long bits) {
        return memory.compareAndExchange(entryAddress, entry, entry | bits) == entry;
    }

    /**
     * What is wrong with the entries that lead to an address: bits that a table's entry must have
     * and has not. Empty if nothing.
     */
    String wrongTableEntry(long iova) {
        Walk walk = begin(iova);
        while (!walk.step()) {
            long missing = format.tableBits() & ~walk.entry();
            if (missing != 0) {
                return "the entry "
                        + Hex.of(walk.entry())
                        + " at "
                        + Hex.of(walk.entryAddress())
                        + ", which leads to a table, lacks the bits "
                        + Hex.of(missing)
                        + " that "
                        + format.name()
                        + " asks for";
            }
        }
        return "";
    }
}
