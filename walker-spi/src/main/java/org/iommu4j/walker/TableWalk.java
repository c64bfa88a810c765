package org.iommu4j.walker;

import org.iommu4j.machine.PhysicalMemory;

/**
 * A read-only walk of page tables, as the hardware would make it: from the root, one load a level.
 *
 * <p>An object of this class is a cursor that is used again and again by one thread; it takes no
 * part in any locking, so tables that change under it give what hardware would have seen. Each load
 * is an acquire.
 */
public final class TableWalk {

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private long entry;
    private int level;
    private long entryAddress;

    /**
     * Makes a cursor.
     *
     * @param format how the tables are read
     * @param memory where they are
     */
    public TableWalk(PageTableFormat format, PhysicalMemory memory) {
        this.format = format;
        this.memory = memory;
    }

    /**
     * Walks to the entry that decides an address: a leaf, or one that is not present.
     *
     * @param root the root table's physical address
     * @param iova an address below the format's width
     * @return true if a leaf was found
     * @throws IndexOutOfBoundsException if an entry points outside of the memory
     */
    public boolean to(long root, long iova) {
        long table = root;
        for (level = format.levels() - 1; ; level--) {
            entryAddress =
                    table + (iova >>> format.shift(level) & (format.entries() - 1)) * Long.BYTES;
            entry = memory.loadAcquire(entryAddress);
            if (!format.isPresent(entry)) {
                return false;
            }
            if (format.isLeaf(entry, level)) {
                return true;
            }
            table = format.tableAddress(entry);
        }
    }

    /** {@return the entry where the walk ended} */
    public long entry() {
        return entry;
    }

    /** {@return the level of that entry} */
    public int level() {
        return level;
    }

    /** {@return the physical address of that entry} */
    public long entryAddress() {
        return entryAddress;
    }

    /** {@return how many bytes that entry decides} */
    public long span() {
        return 1L << format.shift(level);
    }

    /**
     * Returns the output address of an address that the leaf maps.
     *
     * @param iova the address walked to
     * @return what it translates to
     */
    public long output(long iova) {
        return format.outputAddress(entry, level) + (iova & (span() - 1));
    }
}
