package org.iommu4j.walker;

import java.util.Arrays;
import org.iommu4j.api.MemoryType;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Describes a {@link PageTableFormat}, and checks that its bits do not overlap.
 *
 * <p>Every setter takes bits at their place in an entry. What is not set does not exist in the
 * format. Used by one thread.
 */
public final class PageTableFormatBuilder {

    static final long NO_TYPE = -1;

    final String name;
    final int levels;
    int indexBits = 9;
    int addressWidth;
    int leafLevels = 1;
    int rootPages = 1;
    long presentMask;
    long leafTest;
    long largeLeafMark;
    long tableBits;
    long leafBits;
    long readBit;
    long writeBit;
    boolean writeOnly;
    long executeDisableBit;
    long executableBit;
    long snoopBit;
    final long[] smallTypes = new long[MemoryType.values().length];
    final long[] largeTypes = new long[MemoryType.values().length];
    long addressMask;
    int addressShift;
    long accessedMask;
    long dirtyMask;
    long softwareMask;
    SizeChange sizeChange = SizeChange.HITLESS;

    PageTableFormatBuilder(String name, int levels) {
        this.name = name;
        this.levels = levels;
        Arrays.fill(smallTypes, NO_TYPE);
        Arrays.fill(largeTypes, NO_TYPE);
        smallTypes[MemoryType.DEFAULT.ordinal()] = 0;
        largeTypes[MemoryType.DEFAULT.ordinal()] = 0;
    }

    /**
     * Sets how many bits of an address index one table; 9 if not set.
     *
     * @param bits 1 to 9
     * @return this
     */
    public PageTableFormatBuilder indexBits(int bits) {
        this.indexBits = bits;
        return this;
    }

    /**
     * Sets the width of I/O virtual addresses; all that the levels reach if not set.
     *
     * @param bits the width
     * @return this
     */
    public PageTableFormatBuilder addressWidth(int bits) {
        this.addressWidth = bits;
        return this;
    }

    /**
     * Sets how many pages the root table takes, one behind the other and aligned to their size
     * together, where hardware has it wider than other tables; 1 if not set. The width of addresses
     * does not grow by it: what is mapped stands in the first page, and the others stay empty.
     *
     * @param pages a power of two, 16 at most
     * @return this
     */
    public PageTableFormatBuilder rootPages(int pages) {
        this.rootPages = pages;
        return this;
    }

    /**
     * Sets the levels at which leaves may stand; 0 only if not set.
     *
     * @param these the levels; must include 0
     * @return this
     * @throws IllegalArgumentException if there is no such level
     */
    public PageTableFormatBuilder leavesAt(int... these) {
        this.leafLevels = 0;
        for (int level : these) {
            require(
                    level >= 0 && level < levels,
                    "no level " + level + " for leaves; 0 to " + (levels - 1) + " are legal");
            this.leafLevels |= 1 << level;
        }
        return this;
    }

    /**
     * Sets the bits of which at least one is set in a present entry.
     *
     * @param mask the bits
     * @return this
     */
    public PageTableFormatBuilder present(long mask) {
        this.presentMask = mask;
        return this;
    }

    /**
     * Sets the bits that tell a leaf above level 0 from a table: at least one is set in a leaf,
     * none in a table.
     *
     * @param test the bits
     * @param mark those of them that such a leaf has besides its permissions
     * @return this
     */
    public PageTableFormatBuilder largeLeaf(long test, long mark) {
        this.leafTest = test;
        this.largeLeafMark = mark;
        return this;
    }

    /**
     * Sets the constant bits.
     *
     * @param table of an entry that points to a table
     * @param leaf of every leaf
     * @return this
     */
    public PageTableFormatBuilder constants(long table, long leaf) {
        this.tableBits = table;
        this.leafBits = leaf;
        return this;
    }

    /**
     * Sets the permission bits.
     *
     * @param read set in a readable leaf; 0 if every leaf is
     * @param write set in a writable leaf
     * @param mayBeWriteOnly true if a leaf may be writable and not readable
     * @return this
     */
    public PageTableFormatBuilder permissions(long read, long write, boolean mayBeWriteOnly) {
        this.readBit = read;
        this.writeBit = write;
        this.writeOnly = mayBeWriteOnly;
        return this;
    }

    /**
     * Sets the bit of a leaf that forbids instruction fetches.
     *
     * @param bit the bit
     * @return this
     */
    public PageTableFormatBuilder executeDisable(long bit) {
        this.executeDisableBit = bit;
        return this;
    }

    /**
     * Sets the bit of a leaf that permits instruction fetches, in a format that says what is
     * permitted and not what is forbidden.
     *
     * @param bit the bit
     * @return this
     */
    public PageTableFormatBuilder executable(long bit) {
        this.executableBit = bit;
        return this;
    }

    /**
     * Sets the bit of a leaf that forces snooping.
     *
     * @param bit the bit
     * @return this
     */
    public PageTableFormatBuilder snoop(long bit) {
        this.snoopBit = bit;
        return this;
    }

    /**
     * Sets how a memory type is encoded; {@link MemoryType#DEFAULT} is all zero if not set.
     *
     * @param type the memory type
     * @param small the bits in a leaf of 4 KiB
     * @param large the bits in a larger leaf
     * @return this
     */
    public PageTableFormatBuilder memoryType(MemoryType type, long small, long large) {
        this.smallTypes[type.ordinal()] = small;
        this.largeTypes[type.ordinal()] = large;
        return this;
    }

    /**
     * Sets where the address stands.
     *
     * @param mask the bits that hold it
     * @param shift how far to the right an address is shifted to stand there
     * @return this
     */
    public PageTableFormatBuilder address(long mask, int shift) {
        this.addressMask = mask;
        this.addressShift = shift;
        return this;
    }

    /**
     * Sets the bits that hardware sets.
     *
     * @param accessed in an entry it used
     * @param dirty in a leaf it wrote through
     * @return this
     */
    public PageTableFormatBuilder hardwareSets(long accessed, long dirty) {
        this.accessedMask = accessed;
        this.dirtyMask = dirty;
        return this;
    }

    /**
     * Sets the bits of a leaf that mean something only to software.
     *
     * @param mask at most 8 bits
     * @return this
     */
    public PageTableFormatBuilder software(long mask) {
        this.softwareMask = mask;
        return this;
    }

    /**
     * Sets how a live mapping may change its page size; hitlessly if not set.
     *
     * @param change how
     * @return this
     */
    public PageTableFormatBuilder sizeChange(SizeChange change) {
        this.sizeChange = change;
        return this;
    }

    /**
     * Makes the format.
     *
     * @return the format
     * @throws IllegalArgumentException if bits overlap, something necessary is missing, two
     *     accesses would look the same, or a number is out of its range
     */
    public PageTableFormat build() {
        requireNumbers();
        requireTables();
        requireApart(smallTypes, addressMask, 0, "a leaf of 4 KiB");
        if (leafLevels != 1) {
            int lowest = Integer.numberOfTrailingZeros(leafLevels & ~1);
            long lowestBit = 1L << PhysicalMemory.PAGE_SHIFT + indexBits * lowest >>> addressShift;
            requireApart(largeTypes, addressMask & -lowestBit, largeLeafMark, "a large leaf");
        }
        LeafEncoding encoding = new LeafEncoding(this);
        require(
                encoding.allHave(presentMask, presentMask),
                "a leaf of every access must be present");
        require(
                (largeLeafMark & leafTest) != 0
                        || leafLevels == 1
                        || encoding.allHave(-1, leafTest),
                "a large leaf of every access must look like a leaf");
        return new PageTableFormat(this, encoding);
    }

    private void requireNumbers() {
        require(levels >= 1 && levels <= 6, levels + " levels; 1 to 6 are legal");
        require(indexBits >= 1 && indexBits <= 9, indexBits + " index bits; 1 to 9 are legal");
        int reach = PhysicalMemory.PAGE_SHIFT + indexBits * levels;
        require(
                reach <= 57,
                levels
                        + " levels of "
                        + indexBits
                        + " index bits reach "
                        + reach
                        + " bits; 57 at most are legal");
        addressWidth = addressWidth == 0 ? reach : addressWidth;
        require(
                addressWidth > PhysicalMemory.PAGE_SHIFT && addressWidth <= reach,
                "an address width of " + addressWidth + " bits; 13 to " + reach + " are legal");
        require(
                addressShift >= 0 && addressShift <= PhysicalMemory.PAGE_SHIFT,
                "addresses are shifted by " + addressShift + "; 0 to 12 are legal");
        require(
                (leafLevels & 1) != 0 && leafLevels >>> levels == 0,
                "leaves of 4 KiB are necessary");
        require(
                rootPages >= 1 && rootPages <= 16 && Integer.bitCount(rootPages) == 1,
                rootPages + " root pages; 1, 2, 4, 8 and 16 are legal");
        require(Long.bitCount(softwareMask) <= 8, "at most 8 software bits are legal");
    }

    private void requireTables() {
        long lowestBit = 1L << PhysicalMemory.PAGE_SHIFT >>> addressShift;
        long next = addressMask + lowestBit;
        require(
                Long.lowestOneBit(addressMask) == lowestBit && (next & addressMask) == 0,
                "the address bits are 0x"
                        + Long.toHexString(addressMask)
                        + "; neighbours from 0x"
                        + Long.toHexString(lowestBit)
                        + " up are legal");
        require((tableBits & presentMask) != 0, "an entry that points to a table must be present");
        require(
                (tableBits & leafTest) == 0,
                "an entry that points to a table must not look like a leaf");
        require(
                (tableBits & (addressMask | softwareMask)) == 0,
                "constant bits of a table entry overlap the address or software bits");
        require(
                (largeLeafMark & ~leafTest) == 0,
                "the mark of a large leaf is no part of its test");
        require(leafLevels == 1 || leafTest != 0, "large leaves must be told from tables");
    }

    /**
     * Looks for overlaps in one kind of leaf. A constant bit may be a bit that hardware sets: it is
     * born set then.
     */
    private void requireApart(long[] types, long address, long mark, String where) {
        long taken = joined(address, mark, "leaf", where);
        taken = joined(taken, readBit, "read", where);
        taken = joined(taken, writeBit, "write", where);
        taken = joined(taken, executeDisableBit, "execute-disable", where);
        taken = joined(taken, executableBit, "execute", where);
        taken = joined(taken, snoopBit, "snoop", where);
        taken = joined(taken, softwareMask, "software", where);
        taken = joined(taken, types(types), "memory type", where);
        joined(taken, leafBits, "constant", where);
        taken = joined(taken, accessedMask, "accessed", where);
        joined(taken, dirtyMask, "dirty", where);
        require(writeBit != 0, "a write bit is necessary");
        require(
                executeDisableBit == 0 || executableBit == 0,
                "a bit that forbids instruction fetches and one that permits them");
        require(readBit != 0 || !writeOnly, "a leaf that is always readable cannot be write-only");
        long distinct = Arrays.stream(types).filter(type -> type != NO_TYPE).distinct().count();
        long known = Arrays.stream(types).filter(type -> type != NO_TYPE).count();
        require(distinct == known, "two memory types look the same in " + where);
    }

    private long joined(long taken, long bits, String what, String where) {
        require(
                (taken & bits) == 0,
                what + " bits 0x" + Long.toHexString(bits) + " overlap others in " + where);
        return taken | bits;
    }

    static long types(long[] types) {
        long union = 0;
        for (long type : types) {
            union |= type == NO_TYPE ? 0 : type;
        }
        return union;
    }

    private void require(boolean legal, String message) {
        if (!legal) {
            throw new IllegalArgumentException("format " + name + ": " + message);
        }
    }
}
