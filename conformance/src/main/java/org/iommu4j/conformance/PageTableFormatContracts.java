package org.iommu4j.conformance;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.SizeChange;

/**
 * What every page-table format keeps that the builder of formats cannot see: above all, that what
 * goes into an entry comes out of it.
 */
public final class PageTableFormatContracts {

    /* There may be more memory types, and more software bits, than a format has. */
    private static final Set<Feature> IN_PART =
            EnumSet.of(Feature.MEMORY_TYPES, Feature.SOFTWARE_BITS);

    private static final List<Contract<PageTableFormat>> ALL =
            List.of(
                    new Contract<>(
                            "M6",
                            "levels, shifts, sizes and the width fit together",
                            PageTableFormatContracts::numbersFit),
                    new Contract<>(
                            "M1",
                            "the address of every page that the field can hold comes back, at every"
                                    + " level",
                            PageTableFormatContracts::addressesComeBack),
                    new Contract<>(
                            "M1",
                            "empty entries, leaves and tables are told apart, whatever bits the unit"
                                    + " or software sets",
                            PageTableFormatContracts::entriesAreToldApart),
                    new Contract<>(
                            "M7",
                            "every access that can be expressed comes back, and the rest is refused by"
                                    + " name",
                            PageTableFormatContracts::accessesComeBack),
                    new Contract<>(
                            "M7",
                            "every value of the software bits comes back, and no larger one",
                            PageTableFormatContracts::softwareBitsComeBack),
                    new Contract<>(
                            "S2",
                            "children have the access, accessed and dirty bits of their leaf",
                            PageTableFormatContracts::childrenInherit),
                    new Contract<>(
                            "S3",
                            "children translate to their places in the leaf",
                            PageTableFormatContracts::childrenAreOneStrideApart),
                    new Contract<>(
                            "S4",
                            "accessed and dirty are one bit each, and change nothing else of a leaf",
                            PageTableFormatContracts::hardwareBitsStandApart),
                    new Contract<>(
                            "S1",
                            "what is said to be a hitless format can change the size of a leaf",
                            PageTableFormatContracts::hitlessFormatsSplit));

    private PageTableFormatContracts() {}

    /** {@return the contracts} */
    public static List<Contract<PageTableFormat>> all() {
        return ALL;
    }

    private static void numbersFit(PageTableFormat format, Evidence evidence) {
        int levels = format.levels();
        evidence.require(
                format.shift(0) == PhysicalMemory.PAGE_SHIFT, () -> "level 0 is not of 4 KiB");
        evidence.require(
                format.entries() * Long.BYTES <= PhysicalMemory.PAGE_SIZE,
                () -> format.entries() + " entries do not fit into a page");
        for (int level = 1; level < levels; level++) {
            int at = level;
            evidence.require(
                    format.shift(level) == format.shift(level - 1) + format.indexBits(),
                    () -> "the shift of level " + at + " is " + format.shift(at));
            evidence.require(
                    !format.hasLeaves(at) || format.shift(at) <= format.addressWidth(),
                    () ->
                            "a leaf of level "
                                    + at
                                    + " is larger than the width of "
                                    + format.addressWidth()
                                    + " bits");
        }
        evidence.require(
                format.addressWidth() <= format.shift(levels)
                        && format.addressWidth() > format.shift(levels - 1),
                () ->
                        format.addressWidth()
                                + " bits of address need another number of levels than "
                                + levels);
        evidence.require(format.hasLeaves(0), () -> "there is no leaf of 4 KiB");
        evidence.require(!format.name().isBlank(), () -> "it has no name");
    }

    private static long addressEnd(PageTableFormat format) {
        return (format.addressMask() << format.addressShift()) + PhysicalMemory.PAGE_SIZE;
    }

    private static void addressesComeBack(PageTableFormat format, Evidence evidence) {
        for (int level : leafLevels(format)) {
            long size = 1L << format.shift(level);
            long bits = format.leafBits(Access.READ_WRITE, level);
            for (long output = size; output > 0 && output < addressEnd(format); output <<= 1) {
                for (long each : new long[] {output, addressEnd(format) - output & -size}) {
                    long entry = each >>> format.addressShift() | bits;
                    long back = format.outputAddress(entry, level);
                    evidence.require(
                            back == each && format.access(entry, level).equals(Access.READ_WRITE),
                            () ->
                                    "a leaf of level "
                                            + level
                                            + " to 0x"
                                            + Long.toHexString(each)
                                            + " says 0x"
                                            + Long.toHexString(back)
                                            + ", "
                                            + format.access(entry, level));
                }
            }
        }
        for (long page = PhysicalMemory.PAGE_SIZE;
                page > 0 && page < addressEnd(format);
                page <<= 1) {
            long table = page;
            evidence.require(
                    format.tableAddress(format.tableEntry(table)) == table,
                    () ->
                            "an entry for the table at 0x"
                                    + Long.toHexString(table)
                                    + " says 0x"
                                    + Long.toHexString(
                                            format.tableAddress(format.tableEntry(table))));
        }
    }

    private static void entriesAreToldApart(PageTableFormat format, Evidence evidence) {
        long extra = format.accessedMask() | format.dirtyMask() | format.softwareMask();
        evidence.require(
                !format.isPresent(0) && !format.isPresent(extra),
                () ->
                        "an entry with nothing but the bits 0x"
                                + Long.toHexString(extra)
                                + ", which the unit or software sets, counts as present");
        long table = format.tableEntry(addressEnd(format) - PhysicalMemory.PAGE_SIZE);
        for (int level = 1; level < format.levels(); level++) {
            int at = level;
            for (long entry : new long[] {table, table | format.accessedMask()}) {
                evidence.require(
                        format.isPresent(entry) && !format.isLeaf(entry, at),
                        () ->
                                "the entry 0x"
                                        + Long.toHexString(entry)
                                        + " of level "
                                        + at
                                        + ", which leads to a table, counts as "
                                        + (format.isPresent(entry) ? "a leaf" : "empty"));
            }
        }
        for (int level : leafLevels(format)) {
            for (Access access : expressed(format)) {
                long entry = format.leafBits(access, level);
                evidence.require(
                        format.isPresent(entry) && format.isLeaf(entry, level),
                        () -> "a leaf of level " + level + ", " + access + ", is not told as one");
            }
        }
    }

    private static void accessesComeBack(PageTableFormat format, Evidence evidence) {
        Set<Feature> features = format.features();
        int expressed = 0;
        for (Access access : accesses()) {
            try {
                for (int level : leafLevels(format)) {
                    Access back = format.access(format.leafBits(access, level), level);
                    evidence.require(
                            back.equals(access),
                            () -> "a leaf of level " + level + " made " + access + " says " + back);
                }
                expressed++;
            } catch (UnsupportedFeatureException e) {
                evidence.require(
                        !features.contains(e.feature()) || IN_PART.contains(e.feature()),
                        () ->
                                access
                                        + " is refused for want of "
                                        + e.feature()
                                        + ", which is there");
            }
        }
        evidence.note(expressed + " accesses of " + accesses().size() + " can be expressed");
    }

    private static void softwareBitsComeBack(PageTableFormat format, Evidence evidence) {
        int bits = Long.bitCount(format.softwareMask());
        for (int software = 0; software <= Access.MAX_SOFTWARE; software++) {
            Access access = Access.READ_WRITE.withSoftware(software);
            boolean fits = software >>> bits == 0;
            for (int level : leafLevels(format)) {
                evidence.require(
                        fits == comesBack(format, access, level),
                        () ->
                                "with "
                                        + bits
                                        + " software bits, "
                                        + access
                                        + (fits ? " does not come back" : " is not refused")
                                        + " at level "
                                        + level);
            }
        }
    }

    private static boolean comesBack(PageTableFormat format, Access access, int level) {
        try {
            return format.access(format.leafBits(access, level), level).equals(access);
        } catch (UnsupportedFeatureException e) {
            return false;
        }
    }

    private static void childrenInherit(PageTableFormat format, Evidence evidence) {
        long hardware = format.accessedMask() | format.dirtyMask();
        for (int level : splitLevels(format)) {
            for (Access access : expressed(format)) {
                for (long bits : new long[] {0, hardware}) {
                    long leaf = format.leafBits(access, level) | bits;
                    long child = format.firstChild(leaf, level);
                    evidence.require(
                            format.access(child, level - 1).equals(access)
                                    && (child & hardware) == (leaf & hardware)
                                    && format.isLeaf(child, level - 1),
                            () ->
                                    "a child of level "
                                            + (level - 1)
                                            + " of a leaf "
                                            + access
                                            + " is "
                                            + format.access(child, level - 1)
                                            + ", as 0x"
                                            + Long.toHexString(child)
                                            + " of 0x"
                                            + Long.toHexString(leaf));
                }
            }
        }
    }

    private static void childrenAreOneStrideApart(PageTableFormat format, Evidence evidence) {
        for (int level : splitLevels(format)) {
            long size = 1L << format.shift(level);
            long output = addressEnd(format) - size & -size;
            long leaf =
                    output >>> format.addressShift() | format.leafBits(Access.READ_WRITE, level);
            long first = format.firstChild(leaf, level);
            long stride = 1L << format.shift(level - 1);
            for (int i = 0; i < format.entries(); i++) {
                long child = first + i * (stride >>> format.addressShift());
                long expected = output + i * stride;
                evidence.require(
                        format.outputAddress(child, level - 1) == expected,
                        () ->
                                "child 0x"
                                        + Long.toHexString(child)
                                        + " of level "
                                        + (level - 1)
                                        + " translates to 0x"
                                        + Long.toHexString(format.outputAddress(child, level - 1))
                                        + ", not to 0x"
                                        + Long.toHexString(expected));
            }
        }
    }

    private static void hardwareBitsStandApart(PageTableFormat format, Evidence evidence) {
        long accessed = format.accessedMask();
        long dirty = format.dirtyMask();
        evidence.require(
                Long.bitCount(accessed) <= 1 && Long.bitCount(dirty) <= 1,
                () ->
                        "accessed is 0x"
                                + Long.toHexString(accessed)
                                + " and dirty 0x"
                                + Long.toHexString(dirty)
                                + "; one bit each is legal");
        for (int level : leafLevels(format)) {
            for (Access access : expressed(format)) {
                long leaf = format.leafBits(access, level);
                long used = leaf | accessed | dirty;
                evidence.require(
                        format.access(used, level).equals(access)
                                && format.outputAddress(used, level)
                                        == format.outputAddress(leaf, level),
                        () -> "a used leaf " + access + " says " + format.access(used, level));
            }
        }
    }

    private static void hitlessFormatsSplit(PageTableFormat format, Evidence evidence) {
        boolean hitless = format.sizeChange() == SizeChange.HITLESS;
        evidence.require(
                hitless == format.features().contains(Feature.HITLESS_SPLIT),
                () ->
                        "its size change is "
                                + format.sizeChange()
                                + ", its features "
                                + format.features());
        for (int level : leafLevels(format)) {
            evidence.require(
                    !hitless || level == 0 || format.hasLeaves(level - 1),
                    () ->
                            "a leaf of level "
                                    + level
                                    + " cannot be split into those of "
                                    + (level - 1));
        }
    }

    private static List<Integer> leafLevels(PageTableFormat format) {
        return IntStream.range(0, format.levels()).filter(format::hasLeaves).boxed().toList();
    }

    private static List<Integer> splitLevels(PageTableFormat format) {
        return leafLevels(format).stream()
                .filter(level -> level > 0 && format.hasLeaves(level - 1))
                .toList();
    }

    private static List<Access> expressed(PageTableFormat format) {
        return accesses().stream().filter(access -> comesBack(format, access, 0)).toList();
    }

    private static List<Access> accesses() {
        List<Access> accesses = new ArrayList<>();
        for (MemoryType type : MemoryType.values()) {
            for (int index = 0; index < 16; index++) {
                accesses.add(Access.of(index, 0).withMemoryType(type));
            }
        }
        return accesses;
    }
}
