package com.example.riscv;

import java.util.stream.IntStream;
import org.iommu4j.walker.PageTableFormat;

/**
 * What a unit says of itself (RISC-V IOMMU, capabilities).
 *
 * @param register the register
 */
record UnitCapabilities(long register) {

    /** The version of the specification that this backend knows: 1.0. */
    static final int VERSION = 0x10;

    private static final int SV39 = 9;
    private static final int SVPBMT = 15;
    private static final int SV39X4 = 17;
    private static final int MSI_FLAT = 22;
    private static final int PAS_SHIFT = 32;
    private static final int PAS_MASK = 0x3f;

    /** Of page tables without hardware: everything that the formats can do. */
    static final UnitCapabilities OF_NO_UNIT =
            new UnitCapabilities(
                    VERSION | 7 << SV39 | 1 << SVPBMT | 7 << SV39X4 | 56L << PAS_SHIFT);

    /** {@return true if this is the register of a unit that this backend can drive} */
    boolean isKnown() {
        return (register & 0xff) == VERSION
                && physicalWidth() > 12
                && physicalWidth() <= 56
                && (hasAnyFirstStage() || hasAnySecondStage());
    }

    /** {@return the width of physical addresses, in bits} */
    int physicalWidth() {
        return (int) (register >>> PAS_SHIFT) & PAS_MASK;
    }

    /** {@return true if device contexts are of the extended format, of 64 bytes and not 32} */
    boolean hasExtendedContexts() {
        return has(MSI_FLAT);
    }

    boolean hasFirstStage(int levels) {
        return has(SV39 + levels - RiscvFormats.FEWEST_LEVELS);
    }

    boolean hasSecondStage(int levels) {
        return has(SV39X4 + levels - RiscvFormats.FEWEST_LEVELS);
    }

    boolean hasAnyFirstStage() {
        return allLevels().anyMatch(this::hasFirstStage);
    }

    boolean hasAnySecondStage() {
        return allLevels().anyMatch(this::hasSecondStage);
    }

    PageTableFormat firstStage(int levels) {
        return RiscvFormats.firstStage(levels, physicalWidth(), has(SVPBMT));
    }

    PageTableFormat secondStage(int levels) {
        return RiscvFormats.secondStage(levels, physicalWidth(), has(SVPBMT));
    }

    /** {@return the numbers of levels that any format has, ascending} */
    static IntStream allLevels() {
        return IntStream.rangeClosed(RiscvFormats.FEWEST_LEVELS, RiscvFormats.MOST_LEVELS);
    }

    private boolean has(int bit) {
        return (register >>> bit & 1) != 0;
    }
}
