package org.iommu4j.vtd;

import org.iommu4j.api.MemoryType;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatBuilder;
import org.iommu4j.walker.SizeChange;

/**
 * What Intel VT-d reads as page tables, as data (VT-d, Second-Stage Paging Entries and First-Stage
 * Paging Entries).
 *
 * <p>A large leaf may be exchanged for a table of the same translations while devices use it, and
 * back: the hardware may hold both sizes and use either.
 */
final class VtdFormats {

    private static final int WIDEST_OUTPUT = 52;
    private static final long READ = 1;
    private static final long WRITE = 1 << 1;
    private static final long PAGE_SIZE = 1 << 7;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    /* Ignored by every unit in entries of both stages; 61 and 62 are not. */
    private static final long SOFTWARE = 0x0ff0_0000_0000_0000L;

    private static final long SECOND_ACCESSED = 1 << 8;
    private static final long SECOND_DIRTY = 1 << 9;
    private static final long SECOND_SNOOP = 1 << 11;
    private static final int MEMORY_TYPE_SHIFT = 3;
    private static final long IGNORE_PAT = 1 << 6;

    private static final long FIRST_PRESENT = 1;
    private static final long FIRST_USER = 1 << 2;
    private static final long FIRST_WRITE_THROUGH = 1 << 3;
    private static final long FIRST_CACHE_DISABLE = 1 << 4;
    private static final long FIRST_ACCESSED = 1 << 5;
    private static final long FIRST_DIRTY = 1 << 6;
    private static final long FIRST_SMALL_PAT = 1 << 7;
    private static final long FIRST_LARGE_PAT = 1 << 12;
    private static final long FIRST_EXECUTE_DISABLE = 1L << 63;

    /** Second stage of 39 bits. */
    static final PageTableFormat SECOND_STAGE_3 = secondStage(3);

    /** Second stage of 48 bits. */
    static final PageTableFormat SECOND_STAGE_4 = secondStage(4);

    /** Second stage of 57 bits. */
    static final PageTableFormat SECOND_STAGE_5 = secondStage(5);

    /** First stage of 48 bits, of which the lower half is offered. */
    static final PageTableFormat FIRST_STAGE_4 = firstStage(4, WIDEST_OUTPUT, true);

    /** First stage of 57 bits, of which the lower half is offered. */
    static final PageTableFormat FIRST_STAGE_5 = firstStage(5, WIDEST_OUTPUT, true);

    /**
     * What PAT, PCD and PWT of a first-stage leaf select, from 0 up, 4 bits each: write-back,
     * write-through, write-combining, uncacheable, write-back, write-protected, write-back,
     * uncacheable (VT-d, PASID Table Entry, PAT).
     */
    static final long MEMORY_TYPES = 0x0656_0146L;

    private VtdFormats() {}

    private static PageTableFormat secondStage(int levels) {
        return secondStage(levels, WIDEST_OUTPUT, true);
    }

    /**
     * Second stage as a unit reads it that reserves some of the bits.
     *
     * @param levels 3 to 5
     * @param outputWidth the width of output addresses, in bits; 52 at most
     * @param snoop true if a leaf may force snooping
     * @return the format
     */
    static PageTableFormat secondStage(int levels, int outputWidth, boolean snoop) {
        PageTableFormatBuilder format =
                PageTableFormat.named("VT-d second stage", levels)
                        .leavesAt(0, 1, 2)
                        .present(READ | WRITE)
                        .largeLeaf(PAGE_SIZE, PAGE_SIZE)
                        .constants(READ | WRITE, 0)
                        .permissions(READ, WRITE, true)
                        .address(ADDRESS & (1L << outputWidth) - 1, 0)
                        .hardwareSets(SECOND_ACCESSED, SECOND_DIRTY)
                        .software(SOFTWARE)
                        .sizeChange(SizeChange.HITLESS);
        if (snoop) {
            format.snoop(SECOND_SNOOP);
        }
        secondStageType(format, MemoryType.UNCACHEABLE, 0);
        secondStageType(format, MemoryType.WRITE_COMBINING, 1);
        secondStageType(format, MemoryType.WRITE_THROUGH, 4);
        secondStageType(format, MemoryType.WRITE_PROTECTED, 5);
        secondStageType(format, MemoryType.WRITE_BACK, 6);
        return format.build();
    }

    /** A type that is asked for is not combined with any other: it comes with IPAT. */
    private static void secondStageType(
            PageTableFormatBuilder format, MemoryType type, long extendedMemoryType) {
        long bits = extendedMemoryType << MEMORY_TYPE_SHIFT | IGNORE_PAT;
        format.memoryType(type, bits, bits);
    }

    /**
     * First stage as a unit reads it. Requests are of user privilege, so every entry has U/S. PWT,
     * PCD and PAT select one of eight memory types that stand in the PASID entry, as {@link
     * #MEMORY_TYPES} has them. Of the addresses that the levels reach, the lower half is offered.
     *
     * <p>A unit that does not snoop cannot set accessed and dirty bits. For it leaves are made with
     * both, as if hardware had set them already, and it sets none.
     *
     * @param levels 4 or 5
     * @param outputWidth the width of output addresses, in bits; 52 at most
     * @param unitSetsBits true if every unit that reads the tables can set the bits
     * @return the format
     */
    static PageTableFormat firstStage(int levels, int outputWidth, boolean unitSetsBits) {
        long born = unitSetsBits ? 0 : FIRST_ACCESSED;
        long bornIfWritable = unitSetsBits ? 0 : FIRST_DIRTY;
        return PageTableFormat.named("VT-d first stage", levels)
                .addressWidth(11 + 9 * levels)
                .leavesAt(0, 1, 2)
                .present(FIRST_PRESENT)
                .largeLeaf(PAGE_SIZE, PAGE_SIZE)
                .constants(
                        FIRST_PRESENT | WRITE | FIRST_USER | FIRST_ACCESSED,
                        FIRST_PRESENT | FIRST_USER | born)
                .permissions(0, WRITE | bornIfWritable, false)
                .executeDisable(FIRST_EXECUTE_DISABLE)
                .memoryType(MemoryType.WRITE_THROUGH, FIRST_WRITE_THROUGH, FIRST_WRITE_THROUGH)
                .memoryType(MemoryType.WRITE_COMBINING, FIRST_CACHE_DISABLE, FIRST_CACHE_DISABLE)
                .memoryType(
                        MemoryType.UNCACHEABLE,
                        FIRST_CACHE_DISABLE | FIRST_WRITE_THROUGH,
                        FIRST_CACHE_DISABLE | FIRST_WRITE_THROUGH)
                .memoryType(MemoryType.WRITE_BACK, FIRST_SMALL_PAT, FIRST_LARGE_PAT)
                .memoryType(
                        MemoryType.WRITE_PROTECTED,
                        FIRST_SMALL_PAT | FIRST_WRITE_THROUGH,
                        FIRST_LARGE_PAT | FIRST_WRITE_THROUGH)
                .address(ADDRESS & (1L << outputWidth) - 1, 0)
                .hardwareSets(FIRST_ACCESSED & ~born, unitSetsBits ? FIRST_DIRTY : 0)
                .software(SOFTWARE)
                .sizeChange(SizeChange.HITLESS)
                .build();
    }
}
