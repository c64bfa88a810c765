package org.iommu4j.pagetable;

import java.util.stream.Stream;
import org.iommu4j.api.MemoryType;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatBuilder;

/**
 * The formats that every rule is tested on: what VT-d knows, and one so small that all its states
 * can be visited.
 */
final class TestFormats {

    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final long ACCESSED = 1L << 8;
    private static final long DIRTY = 1L << 9;

    private static final PageTableFormat TINY =
            secondStageBits(PageTableFormat.named("tiny", 3).indexBits(2), 0, 1, 2);
    private static final PageTableFormat TINY_FIRST_STAGE =
            firstStageBits(PageTableFormat.named("tiny first stage", 3).indexBits(2));

    private TestFormats() {}

    /** All of them, for parameterized tests. */
    static Stream<PageTableFormat> all() {
        return Stream.of(
                tiny(),
                secondStage(3),
                secondStage(4),
                secondStage(5),
                firstStage(4),
                firstStage(5));
    }

    /**
     * Formats that nobody has, and one as RISC-V has it: one level, two entries a table, pages of
     * one size, no leaves in the middle, addresses that are shifted, large leaves without a mark, a
     * root of four pages.
     */
    static Stream<PageTableFormat> unusual() {
        return Stream.of(
                secondStageBits(PageTableFormat.named("one level", 1), 0),
                secondStageBits(
                        PageTableFormat.named("two entries", 5).indexBits(1), 0, 1, 2, 3, 4),
                secondStageBits(PageTableFormat.named("one size", 3).indexBits(5), 0),
                secondStageBits(PageTableFormat.named("no middle", 4).indexBits(4), 0, 2),
                shiftedBits(PageTableFormat.named("shifted", 3)));
    }

    /** Four entries a table and three levels with leaves of 4, 16 and 64 KiB: 256 KiB in all. */
    static PageTableFormat tiny() {
        return TINY;
    }

    /** As small, with the bits of the first stage. */
    static PageTableFormat tinyFirstStage() {
        return TINY_FIRST_STAGE;
    }

    /** VT-d second stage with 3, 4 or 5 levels and leaves of 4 KiB, 2 MiB and 1 GiB. */
    static PageTableFormat secondStage(int levels) {
        return secondStageBits(
                PageTableFormat.named("second stage, " + levels + " levels", levels), 0, 1, 2);
    }

    /** VT-d first stage with 4 or 5 levels, where memory types stand elsewhere in large leaves. */
    static PageTableFormat firstStage(int levels) {
        return firstStageBits(
                PageTableFormat.named("first stage, " + levels + " levels", levels)
                        .addressWidth(11 + 9 * levels));
    }

    private static PageTableFormat secondStageBits(
            PageTableFormatBuilder builder, int... leafLevels) {
        long ignorePat = 1L << 6;
        return builder.leavesAt(leafLevels)
                .present(3)
                .largeLeaf(1L << 7, 1L << 7)
                .constants(3, 0)
                .permissions(1, 2, true)
                .snoop(1L << 11)
                .memoryType(MemoryType.UNCACHEABLE, ignorePat, ignorePat)
                .memoryType(MemoryType.WRITE_COMBINING, 1L << 3 | ignorePat, 1L << 3 | ignorePat)
                .memoryType(MemoryType.WRITE_BACK, 6L << 3, 6L << 3)
                .address(ADDRESS, 0)
                .hardwareSets(ACCESSED, DIRTY)
                .software(0x7fL << 53 | 1L << 10)
                .build();
    }

    private static PageTableFormat shiftedBits(PageTableFormatBuilder builder) {
        return builder.rootPages(4)
                .leavesAt(0, 1, 2)
                .present(1)
                .largeLeaf(0xe, 0)
                .constants(1, 1)
                .permissions(2, 4, false)
                .address(0x003f_ffff_ffff_fc00L, 2)
                .hardwareSets(1L << 6, 1L << 7)
                .software(3L << 8)
                .build();
    }

    private static PageTableFormat firstStageBits(PageTableFormatBuilder builder) {
        long pwt = 1L << 3;
        long pcd = 1L << 4;
        long smallPat = 1L << 7;
        long largePat = 1L << 12;
        long tableBits = 1 | 1L << 1 | 1L << 2 | 1L << 5;
        return builder.leavesAt(0, 1, 2)
                .present(1)
                .largeLeaf(1L << 7, 1L << 7)
                .constants(tableBits, 1 | 1L << 2)
                .permissions(0, 1L << 1, false)
                .executeDisable(1L << 63)
                .memoryType(MemoryType.UNCACHEABLE, pwt | pcd, pwt | pcd)
                .memoryType(MemoryType.WRITE_COMBINING, smallPat, largePat)
                .memoryType(MemoryType.WRITE_THROUGH, pwt, pwt)
                .memoryType(MemoryType.WRITE_PROTECTED, smallPat | pwt, largePat | pwt)
                .memoryType(MemoryType.WRITE_BACK, smallPat | pcd, largePat | pcd)
                .address(ADDRESS, 0)
                .hardwareSets(1L << 5, 1L << 6)
                .software(0x3fL << 52 | 1L << 11 | 1L << 9)
                .build();
    }
}
