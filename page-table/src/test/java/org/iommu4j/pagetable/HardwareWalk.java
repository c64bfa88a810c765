package org.iommu4j.pagetable;

import org.iommu4j.api.Access;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/**
 * A walk as strict hardware makes it: one load a level, and a complaint about every reserved bit.
 * Where the loads come from is the caller's: memory as it is, as a walker sees it that does not
 * snoop, or as it was at different instants.
 */
final class HardwareWalk {

    /** Gives the words that a walk reads. */
    @FunctionalInterface
    interface Loads {

        /**
         * Reads one word.
         *
         * @param level the level of the table it stands in
         * @param address its physical address
         * @return the word
         */
        long load(int level, long address);
    }

    /** What a walk finds. */
    record Translation(long output, Access access) {

        /** Nothing. */
        static final Translation NONE = new Translation(-1, Access.READ);

        @Override
        public String toString() {
            return this.equals(NONE)
                    ? "nothing"
                    : "0x" + Long.toHexString(output) + " (" + access + ")";
        }
    }

    private final PageTableFormat format;
    private final long memoryBytes;
    private final Loads loads;
    private int level;
    private long entry;
    private long entryAddress;

    HardwareWalk(PageTableFormat format, PhysicalMemory memory) {
        this(format, memory.size(), current(memory.unobserved()));
    }

    HardwareWalk(PageTableFormat format, long memoryBytes, Loads loads) {
        this.format = format;
        this.memoryBytes = memoryBytes;
        this.loads = loads;
    }

    private static Loads current(PhysicalMemory memory) {
        return (level, address) -> memory.loadAcquire(address);
    }

    /**
     * Walks to the entry that decides an address.
     *
     * @return true if it is a leaf
     * @throws AssertionError if an entry on the way has a reserved bit set, a necessary one clear,
     *     or leads astray
     */
    boolean to(long root, long iova) {
        long table = root;
        for (level = format.levels() - 1; ; level--) {
            entryAddress =
                    table + (iova >>> format.shift(level) & (format.entries() - 1)) * Long.BYTES;
            entry = loads.load(level, entryAddress);
            if (!format.isPresent(entry)) {
                return false;
            }
            if (format.isLeaf(entry, level)) {
                requireLeaf(iova);
                return true;
            }
            requireTable(iova);
            table = format.tableAddress(entry);
        }
    }

    /** Walks, and says what an address translates to. */
    Translation translation(long root, long iova) {
        return to(root, iova) ? new Translation(output(iova), access()) : Translation.NONE;
    }

    long entry() {
        return entry;
    }

    int level() {
        return level;
    }

    long entryAddress() {
        return entryAddress;
    }

    long output(long iova) {
        return format.outputAddress(entry, level) + (iova & ((1L << format.shift(level)) - 1));
    }

    Access access() {
        return format.access(entry, level);
    }

    private void requireTable(long iova) {
        long bits = entry & ~format.addressMask() & ~format.accessedMask();
        long table = format.tableAddress(entry);
        if (bits != (format.tableBits() & ~format.accessedMask())
                || (entry & format.tableBits()) != format.tableBits()
                || table == 0
                || Long.compareUnsigned(table, memoryBytes) >= 0) {
            throw astray(iova, "a table entry");
        }
    }

    private void requireLeaf(long iova) {
        long legal =
                format.leafBits(access(), level)
                        | format.outputAddress(entry, level) >>> format.addressShift();
        if ((entry & ~(format.accessedMask() | format.dirtyMask())) != legal
                || !format.hasLeaves(level)) {
            throw astray(iova, "a leaf");
        }
    }

    private AssertionError astray(long iova, String what) {
        return new AssertionError(
                "the walk to 0x"
                        + Long.toHexString(iova)
                        + " met "
                        + what
                        + " 0x"
                        + Long.toHexString(entry)
                        + " at 0x"
                        + Long.toHexString(entryAddress)
                        + ", level "
                        + level
                        + ", in "
                        + format.name());
    }
}
