package org.iommu4j.walker;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PhysicalMemory;

/**
 * How one kind of hardware reads its page tables, as data: an immutable table of constants.
 *
 * <p>Entries are 64 bits, little endian; tables are pages of 4096 bytes, of which {@code 8 <<
 * indexBits} are used; a root table may be followed by pages that stay empty. Level 0 holds the
 * leaves of 4 KiB. An engine copies the constants it needs; nothing here is called an entry at a
 * time on a hot path. The same value drives an engine, an inspector of memory images, and the
 * tables printed in the documentation.
 */
public final class PageTableFormat {

    private final String name;
    private final int levels;
    private final int indexBits;
    private final int addressWidth;
    private final int leafLevels;
    private final int rootPages;
    private final long presentMask;
    private final long leafTest;
    private final long largeLeafMark;
    private final long tableBits;
    private final long addressMask;
    private final int addressShift;
    private final long accessedMask;
    private final long dirtyMask;
    private final long softwareMask;
    private final SizeChange sizeChange;
    private final LeafEncoding encoding;
    /* The bits of a leaf of each access, by its index: of 4 KiB, then of larger ones. */
    private final long[] leaves = new long[2 * Access.INDEXES];

    PageTableFormat(PageTableFormatBuilder from, LeafEncoding encoding) {
        this.name = from.name;
        this.levels = from.levels;
        this.indexBits = from.indexBits;
        this.addressWidth = from.addressWidth;
        this.leafLevels = from.leafLevels;
        this.rootPages = from.rootPages;
        this.presentMask = from.presentMask;
        this.leafTest = from.leafTest;
        this.largeLeafMark = from.largeLeafMark;
        this.tableBits = from.tableBits;
        this.addressMask = from.addressMask;
        this.addressShift = from.addressShift;
        this.accessedMask = from.accessedMask;
        this.dirtyMask = from.dirtyMask;
        this.softwareMask = from.softwareMask;
        this.sizeChange = from.sizeChange;
        this.encoding = encoding;
        for (int i = 0; i < leaves.length; i++) {
            int level = i / Access.INDEXES;
            long bits = encoding.bits(i % Access.INDEXES, level);
            leaves[i] = bits == LeafEncoding.REFUSED ? bits : bits | leafMark(level);
        }
    }

    /**
     * Begins a format.
     *
     * @param name what it is called in messages
     * @param levels how many levels of tables
     * @return a builder
     */
    public static PageTableFormatBuilder named(String name, int levels) {
        return new PageTableFormatBuilder(name, levels);
    }

    /** {@return what it is called in messages} */
    public String name() {
        return name;
    }

    /** {@return the number of levels; the root table stands at level {@code levels() - 1}} */
    public int levels() {
        return levels;
    }

    /**
     * {@return how many pages the root table takes, one behind the other and aligned to their size
     * together; what is mapped stands in the first, the others are empty}
     */
    public int rootPages() {
        return rootPages;
    }

    /** {@return how many bits of an address index one table} */
    public int indexBits() {
        return indexBits;
    }

    /** {@return the number of entries of a table} */
    public int entries() {
        return 1 << indexBits;
    }

    /** {@return the width of I/O virtual addresses that may be mapped, in bits} */
    public int addressWidth() {
        return addressWidth;
    }

    /**
     * Returns how far an address is shifted to index a table.
     *
     * @param level the table's level
     * @return the number of bits below the index; one entry covers {@code 1L << shift(level)} bytes
     */
    public int shift(int level) {
        return PhysicalMemory.PAGE_SHIFT + indexBits * level;
    }

    /**
     * Says whether a leaf may stand at a level.
     *
     * @param level the level
     * @return true if it may
     */
    public boolean hasLeaves(int level) {
        return (leafLevels >>> level & 1) != 0;
    }

    /** {@return the page sizes in bytes, OR-ed together} */
    public long pageSizes() {
        long sizes = 0;
        for (int level = 0; level < levels; level++) {
            sizes |= hasLeaves(level) ? 1L << shift(level) : 0;
        }
        return sizes;
    }

    /** {@return the bits of which at least one is set in an entry that is present} */
    public long presentMask() {
        return presentMask;
    }

    /**
     * {@return the bits of which at least one is set in a leaf above level 0, and none in a table
     * entry}
     */
    public long leafTest() {
        return leafTest;
    }

    /**
     * Returns the bits that mark a leaf as one at its level.
     *
     * @param level the level
     * @return the bits
     */
    public long leafMark(int level) {
        return level == 0 ? 0 : largeLeafMark;
    }

    /** {@return the constant bits of an entry that points to a table} */
    public long tableBits() {
        return tableBits;
    }

    /** {@return the bits that hold the address in an entry} */
    public long addressMask() {
        return addressMask;
    }

    /** {@return how far to the right an address is shifted to stand in an entry} */
    public int addressShift() {
        return addressShift;
    }

    /** {@return the bit that hardware sets in an entry it used; 0 if it sets none} */
    public long accessedMask() {
        return accessedMask;
    }

    /** {@return the bit that hardware sets in a leaf it wrote through; 0 if it sets none} */
    public long dirtyMask() {
        return dirtyMask;
    }

    /** {@return the bits that mean something only to software} */
    public long softwareMask() {
        return softwareMask;
    }

    /** {@return how a live mapping may change its page size} */
    public SizeChange sizeChange() {
        return sizeChange;
    }

    /** {@return what mappings of this format can express} */
    public Set<Feature> features() {
        EnumSet<Feature> features = encoding.features();
        if (softwareMask != 0) {
            features.add(Feature.SOFTWARE_BITS);
        }
        if (sizeChange == SizeChange.HITLESS) {
            features.add(Feature.HITLESS_SPLIT);
            features.add(Feature.COALESCE);
        }
        return features;
    }

    /**
     * Says whether an entry is present: a leaf or a table.
     *
     * @param entry the entry
     * @return true if it is
     */
    public boolean isPresent(long entry) {
        return (entry & presentMask) != 0;
    }

    /**
     * Says whether a present entry is a leaf.
     *
     * @param entry the entry; present
     * @param level the level of the table it stands in
     * @return true if it is a leaf, false if it points to a table
     */
    public boolean isLeaf(long entry, int level) {
        return level == 0 || (entry & leafTest) != 0;
    }

    /**
     * Returns the table that an entry points to.
     *
     * @param entry an entry that points to a table
     * @return the table's physical address
     */
    public long tableAddress(long entry) {
        return (entry & addressMask) << addressShift;
    }

    /**
     * Makes an entry that points to a table.
     *
     * @param page the table's physical address
     * @return the entry
     */
    public long tableEntry(long page) {
        return page >>> addressShift | tableBits;
    }

    /**
     * Returns what a leaf translates to.
     *
     * @param entry a leaf
     * @param level its level
     * @return the output address of its first byte
     */
    public long outputAddress(long entry, int level) {
        return (entry & leafAddressMask(level)) << addressShift;
    }

    /**
     * Returns the bits that hold the address in a leaf.
     *
     * @param level the leaf's level
     * @return the bits; lower bits of the address field are something else in a large leaf
     */
    public long leafAddressMask(int level) {
        return addressMask & -(1L << shift(level) >>> addressShift);
    }

    /**
     * Turns an access into the bits of a leaf, without the address.
     *
     * @param access the access
     * @param level the leaf's level
     * @return the bits
     * @throws UnsupportedFeatureException if the format cannot express it
     */
    public long leafBits(Access access, int level) {
        long bits = leaves[(level == 0 ? 0 : Access.INDEXES) + access.index()];
        int software = access.software();
        if (bits == LeafEncoding.REFUSED || (software != 0 && !holdsSoftware(software))) {
            throw refused(access);
        }
        return bits | (software == 0 ? 0 : Long.expand(software, softwareMask));
    }

    /**
     * Reads the access out of a leaf.
     *
     * @param entry a leaf
     * @param level its level
     * @return the access
     */
    public Access access(long entry, int level) {
        return Access.of(encoding.index(entry, level), (int) Long.compress(entry, softwareMask));
    }

    /**
     * Says whether a leaf may be written through: the part of {@link #access} that takes no object.
     *
     * @param entry a leaf
     * @return true if it may
     */
    public boolean isWritable(long entry) {
        return encoding.isWritable(entry);
    }

    /**
     * Makes the first child of a leaf: one level down, the same address, attributes, accessed and
     * dirty bits.
     *
     * @param entry a leaf
     * @param level its level; at least 1
     * @return the entry of the first child; the next ones differ by {@code pageSize >>>
     *     addressShift()}
     */
    public long firstChild(long entry, int level) {
        return encoding.moveDown(entry & ~leafMark(level), level) | leafMark(level - 1);
    }

    /**
     * Makes the leaf that takes the place of a table of leaves, from the first of them: one level
     * up, the same address, attributes, accessed and dirty bits. The reverse of {@link
     * #firstChild}.
     *
     * @param entry a leaf whose address is aligned to the page size one level up
     * @param level its level
     * @return the entry of the larger leaf
     */
    public long parent(long entry, int level) {
        return encoding.moveUp(entry & ~leafMark(level), level) | leafMark(level + 1);
    }

    private boolean holdsSoftware(int software) {
        return software >>> Long.bitCount(softwareMask) == 0;
    }

    private UnsupportedFeatureException refused(Access access) {
        Feature missing = encoding.refusal(access.index());
        return new UnsupportedFeatureException(
                missing == null ? Feature.SOFTWARE_BITS : missing,
                String.format(Locale.ROOT, "the format %s cannot express \"%s\"", name, access));
    }

    @Override
    public String toString() {
        return name + " (" + levels + " levels, " + addressWidth + " bits)";
    }
}
