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
    long presentMask;
    long leafTest;
    long largeLeafMark;
    long tableBits;
    long leafBits;
    long readBit;
    long writeBit;
    boolean writeOnly;
    long executeDisableBit;
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
     * Sets the levels at which leaves may stand; 0 only if not set.
     *
     * @param these the levels; must include 0
     * @return this
     */
    public PageTableFormatBuilder leavesAt(int... these) {
        this.leafLevels = 0;
        for (int level : these) {
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
     * Sets how a memory type is encoded.
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
     * @throws IllegalArgumentException if bits overlap, something necessary is missing, or a number
     *     is out of its range
     */
    public PageTableFormat build() {
        int reach = PhysicalMemory.PAGE_SHIFT + indexBits * levels;
        addressWidth = addressWidth == 0 ? reach : addressWidth;
        require(levels >= 1 && levels <= 6, "1 to 6 levels are legal");
        require(indexBits >= 1 && indexBits <= 9, "1 to 9 index bits are legal");
        require(
                addressWidth > PhysicalMemory.PAGE_SHIFT && addressWidth <= Math.min(reach, 57),
                "an address width of "
                        + addressWidth
                        + " bits; 13 to "
                        + Math.min(reach, 57)
                        + " are legal");
        require((leafLevels & 1) != 0, "leaves of 4 KiB are necessary");
        require(leafLevels >>> levels == 0, "leaves stand above the root table");
        require(
                presentMask != 0 && addressMask != 0,
                "present bits and address bits are necessary");
        require((tableBits & presentMask) != 0, "an entry that points to a table must be present");
        require(
                (tableBits & leafTest) == 0,
                "an entry that points to a table must not look like a leaf");
        require(leafLevels == 1 || leafTest != 0, "large leaves must be told from tables");
        require(Long.bitCount(softwareMask) <= 8, "at most 8 software bits are legal");
        requireApart();
        return new PageTableFormat(this, new LeafEncoding(this));
    }

    private void requireApart() {
        long small = addressMask;
        small = joined(small, readBit | writeBit, "permissions");
        small = joined(small, executeDisableBit, "execute-disable");
        small = joined(small, snoopBit, "snoop");
        small = joined(small, accessedMask, "accessed");
        small = joined(small, dirtyMask, "dirty");
        small = joined(small, softwareMask, "software");
        long others = small & ~addressMask;
        require(
                (others & types(smallTypes)) == 0,
                "memory type bits overlap others in a small leaf");
        require(
                (others & (types(largeTypes) | largeLeafMark)) == 0,
                "memory type or leaf bits overlap others");
        require(
                (types(largeTypes) & largeLeafMark) == 0,
                "memory type bits overlap the mark of a large leaf");
        require(
                (addressMask & types(smallTypes)) == 0,
                "memory type bits overlap the address in a small leaf");
        require(
                (tableBits & addressMask) == 0,
                "constant bits of a table entry overlap the address");
    }

    private long joined(long taken, long bits, String what) {
        require(
                (taken & bits) == 0,
                what + " bits 0x" + Long.toHexString(bits) + " overlap others");
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
