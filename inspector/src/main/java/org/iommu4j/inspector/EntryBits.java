package org.iommu4j.inspector;

import java.util.ArrayList;
import java.util.List;

/**
 * What each bit of a page-table entry means, and which must be zero, as data (VT-d, Second-Stage
 * Paging Entries and First-Stage Paging Entries). A {@link org.iommu4j.walker.PageTableFormat} says
 * what an engine needs; this says the rest, for readers.
 */
public final class EntryBits {
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final long PAGE_SIZE = 1 << 7;
    private static final int TOP_LARGE_LEVEL = 2;

    private static final BitField IGNORED =
            new BitField(0x1ff0_0000_0000_0000L, "ignored 60:52", "for software");

    private static final List<BitField> SECOND_TABLE =
            List.of(
                    new BitField(1, "R", "read"),
                    new BitField(1 << 1, "W", "write"),
                    new BitField(1 << 2, "X", "execute"),
                    new BitField(1 << 8, "A", "accessed"),
                    new BitField(1 << 10, "ignored 10", "for software"),
                    IGNORED,
                    new BitField(1L << 63, "ignored 63", "for software"));
    private static final List<BitField> SECOND_LEAF =
            List.of(
                    new BitField(1, "R", "read"),
                    new BitField(1 << 1, "W", "write"),
                    new BitField(1 << 2, "X", "execute"),
                    new BitField(7 << 3, "EMT", "memory type"),
                    new BitField(1 << 6, "IPAT", "memory type is final"),
                    new BitField(PAGE_SIZE, "PS", "large page"),
                    new BitField(1 << 8, "A", "accessed"),
                    new BitField(1 << 9, "D", "dirty"),
                    new BitField(1 << 10, "ignored 10", "for software"),
                    new BitField(1 << 11, "SNP", "snoop"),
                    IGNORED,
                    new BitField(1L << 62, "TM", "transient mapping"),
                    new BitField(1L << 63, "ignored 63", "for software"));
    private static final List<BitField> FIRST_TABLE =
            List.of(
                    new BitField(1, "P", "present"),
                    new BitField(1 << 1, "R/W", "write"),
                    new BitField(1 << 2, "U/S", "user"),
                    new BitField(1 << 3, "PWT", "write-through"),
                    new BitField(1 << 4, "PCD", "cache disabled"),
                    new BitField(1 << 5, "A", "accessed"),
                    new BitField(1 << 10, "EA", "extended accessed"),
                    new BitField(0x7ff0_0000_0000_0000L, "ignored 62:52", "for software"),
                    new BitField(1L << 63, "XD", "execute-disable"));
    private static final List<BitField> FIRST_SMALL = firstLeaf(PAGE_SIZE);
    private static final List<BitField> FIRST_LARGE = firstLeaf(1 << 12);

    private EntryBits() {}

    /**
     * Returns the fields of a kind of entry, without its address.
     *
     * @param first true for the first stage, false for the second
     * @param level the level of the table that the entry stands in
     * @param leaf true for a leaf, false for an entry that points to a table
     * @return the fields, lowest first
     */
    public static List<BitField> fields(boolean first, int level, boolean leaf) {
        if (!leaf) {
            return first ? FIRST_TABLE : SECOND_TABLE;
        }
        return !first ? SECOND_LEAF : level == 0 ? FIRST_SMALL : FIRST_LARGE;
    }

    /**
     * Returns the bits that must be zero in a kind of entry.
     *
     * @param first true for the first stage, false for the second
     * @param level the level of the table that the entry stands in
     * @param leaf true for a leaf, false for an entry that points to a table
     * @param hostAddressWidth how many bits a physical address of the machine has
     * @return the bits
     */
    static long reserved(boolean first, int level, boolean leaf, int hostAddressWidth) {
        long reserved = ADDRESS & -(1L << hostAddressWidth);
        if (level > TOP_LARGE_LEVEL) {
            reserved |= PAGE_SIZE;
        }
        if (leaf && level > 0) {
            long below = (1L << 12 + 9 * level) - 1 & ADDRESS;
            reserved |= first ? below & ~(1L << 12) : below;
        }
        if (!first && !leaf) {
            reserved |= 1 << 11 | 1L << 62;
        }
        return reserved;
    }

    /**
     * Says what the bits of an entry are, without its address.
     *
     * @param entry the entry
     * @param first true for the first stage, false for the second
     * @param level the level of the table that it stands in
     * @param leaf true for a leaf, false for an entry that points to a table
     * @return as in {@code R read, W write, SNP snoop}
     */
    public static String words(long entry, boolean first, int level, boolean leaf) {
        List<String> words = new ArrayList<>();
        for (BitField field : fields(first, level, leaf)) {
            if (field.in(entry) != 0) {
                boolean wide = Long.bitCount(field.mask()) > 1;
                words.add(
                        field.name()
                                + (wide ? " = " + Hex.of(field.in(entry)) + " " : " ")
                                + field.meaning());
            }
        }
        long reserved = entry & reserved(first, level, leaf, 52);
        if (reserved != 0) {
            words.add("reserved bits " + Hex.of(reserved));
        }
        return words.isEmpty() ? "no bit set" : String.join(", ", words);
    }

    private static List<BitField> firstLeaf(long pat) {
        List<BitField> fields = new ArrayList<>();
        fields.addAll(FIRST_TABLE.subList(0, 6));
        fields.add(new BitField(1 << 6, "D", "dirty"));
        if (pat == PAGE_SIZE) {
            fields.add(new BitField(pat, "PAT", "memory type, high bit"));
        } else {
            fields.add(new BitField(PAGE_SIZE, "PS", "large page"));
        }
        fields.add(new BitField(1 << 8, "G", "global"));
        fields.add(new BitField(7 << 9, "ignored 11:9", "for software"));
        if (pat != PAGE_SIZE) {
            fields.add(new BitField(pat, "PAT", "memory type, high bit"));
        }
        fields.addAll(FIRST_TABLE.subList(7, FIRST_TABLE.size()));
        return List.copyOf(fields);
    }
}
