package com.example.riscv;

import org.iommu4j.api.MemoryType;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatBuilder;
import org.iommu4j.walker.SizeChange;

/**
 * What a RISC-V IOMMU reads as page tables, as data (RISC-V Privileged Architecture, Sv39, Sv48,
 * Sv57, and Sv39x4 to Sv57x4; Svpbmt for the memory types).
 *
 * <p>An entry whose R, W and X are all 0 points to a table, any other is a leaf, and leaves may
 * stand at every level. Its page number stands at bit 10, so an address is shifted by two. A unit
 * that does not set A and D faults where they are clear, so every leaf is born with both.
 */
final class RiscvFormats {

    /** The fewest levels a format has: those of Sv39. */
    static final int FEWEST_LEVELS = 3;

    /** The most levels a format has: those of Sv57. */
    static final int MOST_LEVELS = 5;

    private static final long VALID = 1;
    private static final long READ = 1 << 1;
    private static final long WRITE = 1 << 2;
    private static final long EXECUTE = 1 << 3;
    private static final long USER = 1 << 4;
    private static final long ACCESSED = 1 << 6;
    private static final long DIRTY = 1 << 7;
    private static final long SOFTWARE = 3 << 8;
    private static final int ADDRESS_SHIFT = 2;
    private static final long PAGE_NUMBERS = -1L << 10;
    private static final long NON_CACHEABLE = 1L << 61;
    private static final long IO = 2L << 61;

    /* Sv39x4, Sv48x4 and Sv57x4 index their root by two more bits than the other tables. */
    private static final int WIDE_ROOT_PAGES = 4;

    private RiscvFormats() {}

    /**
     * First stage: Sv39, Sv48 or Sv57, of which the lower half is offered; addresses of the upper
     * one repeat their highest bit, which the engine's do not.
     *
     * @param levels 3 to 5
     * @param physicalWidth the width of output addresses, in bits; 56 at most
     * @param memoryTypes true if the unit has Svpbmt
     * @return the format
     */
    static PageTableFormat firstStage(int levels, int physicalWidth, boolean memoryTypes) {
        int width = width(levels);
        return bits("Sv" + width, levels, physicalWidth, memoryTypes)
                .addressWidth(width - 1)
                .build();
    }

    /**
     * Second stage: Sv39x4, Sv48x4 or Sv57x4, of which the lower quarter is offered, so that the
     * first page of the root holds everything.
     *
     * @param levels 3 to 5
     * @param physicalWidth the width of output addresses, in bits; 56 at most
     * @param memoryTypes true if the unit has Svpbmt
     * @return the format
     */
    static PageTableFormat secondStage(int levels, int physicalWidth, boolean memoryTypes) {
        return bits("Sv" + width(levels) + "x4", levels, physicalWidth, memoryTypes)
                .rootPages(WIDE_ROOT_PAGES)
                .build();
    }

    private static int width(int levels) {
        return 12 + 9 * levels;
    }

    private static PageTableFormatBuilder bits(
            String name, int levels, int physicalWidth, boolean memoryTypes) {
        PageTableFormatBuilder format =
                PageTableFormat.named(name, levels)
                        .leavesAt(allLevels(levels))
                        .present(VALID)
                        .largeLeaf(READ | WRITE | EXECUTE, 0)
                        .constants(VALID, VALID | USER | ACCESSED | DIRTY)
                        .permissions(READ, WRITE, false)
                        .executable(EXECUTE)
                        .address(
                                PAGE_NUMBERS & (1L << physicalWidth - ADDRESS_SHIFT) - 1,
                                ADDRESS_SHIFT)
                        .hardwareSets(ACCESSED, DIRTY)
                        .software(SOFTWARE)
                        .sizeChange(SizeChange.HITLESS);
        if (memoryTypes) {
            format.memoryType(MemoryType.WRITE_COMBINING, NON_CACHEABLE, NON_CACHEABLE)
                    .memoryType(MemoryType.UNCACHEABLE, IO, IO);
        }
        return format;
    }

    private static int[] allLevels(int levels) {
        int[] all = new int[levels];
        for (int level = 0; level < levels; level++) {
            all[level] = level;
        }
        return all;
    }
}
