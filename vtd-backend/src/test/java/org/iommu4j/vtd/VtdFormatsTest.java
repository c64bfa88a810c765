package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bits of entries, written out: what the hardware reads, not what the format says it reads. */
class VtdFormatsTest {

    @SuppressWarnings("unused")
    private static final List<PageTableFormat> SECOND =
            List.of(
                    VtdFormats.SECOND_STAGE_3,
                    VtdFormats.SECOND_STAGE_4,
                    VtdFormats.SECOND_STAGE_5);

    @SuppressWarnings("unused")
    private static final List<PageTableFormat> FIRST =
            List.of(VtdFormats.FIRST_STAGE_4, VtdFormats.FIRST_STAGE_5);

    @ParameterizedTest
    @FieldSource("SECOND")
    void M7_secondStageLeavesAreGolden(PageTableFormat format) {
        golden(format, Access.READ, 0x1, 0x81);
        golden(format, Access.WRITE, 0x2, 0x82);
        golden(format, Access.READ_WRITE, 0x3, 0x83);
        golden(format, Access.READ_WRITE.withSnoop(), 0x803, 0x883);
        golden(format, Access.READ.withSoftware(1), 0x0010_0000_0000_0001L, 0x0010_0000_0000_0081L);
        golden(
                format,
                Access.READ.withSoftware(0xff),
                0x0ff0_0000_0000_0001L,
                0x0ff0_0000_0000_0081L);
        golden(format, Access.READ.withMemoryType(MemoryType.UNCACHEABLE), 0x41, 0xc1);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_COMBINING), 0x49, 0xc9);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_THROUGH), 0x61, 0xe1);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_PROTECTED), 0x69, 0xe9);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_BACK), 0x71, 0xf1);
        refused(format, Access.READ.withExecuteDisabled(), Feature.EXECUTE_DISABLE);
        refused(format, Access.of(0, 0), Feature.NO_ACCESS);
    }

    @ParameterizedTest
    @FieldSource("SECOND")
    void secondStageEntriesAreGolden(PageTableFormat format) {
        assertThat(format.tableEntry(0x000f_ffff_ffff_f000L)).isEqualTo(0x000f_ffff_ffff_f003L);
        assertThat(format.tableAddress(0x0000_0012_3456_7003L)).isEqualTo(0x12_3456_7000L);
        assertThat(format.accessedMask()).isEqualTo(0x100);
        assertThat(format.dirtyMask()).isEqualTo(0x200);
        assertThat(format.outputAddress(0x0ff0_0012_3456_7b01L, 0)).isEqualTo(0x12_3456_7000L);
        assertThat(format.outputAddress(0x0ff0_0012_3440_0b81L, 1)).isEqualTo(0x12_3440_0000L);
        assertThat(format.outputAddress(0x0ff0_0012_0000_0b81L, 2)).isEqualTo(0x12_0000_0000L);
        assertThat(format.firstChild(0x0a50_0012_0000_0bb3L | 0x40, 2))
                .isEqualTo(0x0a50_0012_0000_0bf3L);
        assertThat(format.firstChild(0x0a50_0012_0000_0bf3L, 1)).isEqualTo(0x0a50_0012_0000_0b73L);
        assertThat(format.isPresent(0x0ff0_0000_0000_0b84L)).isFalse();
        assertThat(format.isLeaf(0x3, 1)).isFalse();
        assertThat(format.isLeaf(0x83, 2)).isTrue();
    }

    @ParameterizedTest
    @FieldSource("FIRST")
    void M7_firstStageLeavesAreGolden(PageTableFormat format) {
        golden(format, Access.READ, 0x5, 0x85);
        golden(format, Access.READ_WRITE, 0x7, 0x87);
        golden(
                format,
                Access.READ_WRITE.withExecuteDisabled(),
                0x8000_0000_0000_0007L,
                0x8000_0000_0000_0087L);
        golden(
                format,
                Access.READ.withSoftware(0x81),
                0x0810_0000_0000_0005L,
                0x0810_0000_0000_0085L);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_THROUGH), 0x0d, 0x8d);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_COMBINING), 0x15, 0x95);
        golden(format, Access.READ.withMemoryType(MemoryType.UNCACHEABLE), 0x1d, 0x9d);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_BACK), 0x85, 0x1085);
        golden(format, Access.READ.withMemoryType(MemoryType.WRITE_PROTECTED), 0x8d, 0x108d);
        refused(format, Access.WRITE, Feature.WRITE_ONLY);
        refused(format, Access.READ.withSnoop(), Feature.SNOOP_CONTROL);
        refused(format, Access.of(0, 0), Feature.NO_ACCESS);
    }

    @ParameterizedTest
    @FieldSource("FIRST")
    void firstStageEntriesAreGolden(PageTableFormat format) {
        assertThat(format.tableEntry(0x12_3456_7000L)).isEqualTo(0x12_3456_7027L);
        assertThat(format.accessedMask()).isEqualTo(0x20);
        assertThat(format.dirtyMask()).isEqualTo(0x40);
        assertThat(format.outputAddress(0x8000_0012_3440_1085L, 1)).isEqualTo(0x12_3440_0000L);
        assertThat(format.firstChild(0x8000_0012_0000_10e7L, 2)).isEqualTo(0x8000_0012_0000_10e7L);
        assertThat(format.firstChild(0x8000_0012_0000_10e7L, 1)).isEqualTo(0x8000_0012_0000_00e7L);
        assertThat(format.firstChild(0x8000_0012_0000_00e7L, 1)).isEqualTo(0x8000_0012_0000_0067L);
    }

    @ParameterizedTest
    @CsvSource({"3, 39", "4, 48", "5, 57"})
    void secondStageReachesAllItsLevels(int levels, int width) {
        PageTableFormat format = SECOND.get(levels - 3);
        assertThat(format.levels()).isEqualTo(levels);
        assertThat(format.addressWidth()).isEqualTo(width);
        assertThat(format.pageSizes()).isEqualTo(0x4020_1000L);
    }

    @Test
    void firstStageOffersTheLowerHalf() {
        assertThat(VtdFormats.FIRST_STAGE_4.addressWidth()).isEqualTo(47);
        assertThat(VtdFormats.FIRST_STAGE_4.levels()).isEqualTo(4);
        assertThat(VtdFormats.FIRST_STAGE_5.addressWidth()).isEqualTo(56);
        assertThat(VtdFormats.FIRST_STAGE_5.levels()).isEqualTo(5);
    }

    /** A unit that does not snoop cannot set the bits, so every entry has them from birth. */
    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void S2_leavesOfAWalkerThatCannotSetBitsHaveThemFromBirth(int levels) {
        PageTableFormat format = VtdFormats.firstStage(levels, 52, false);
        golden(format, Access.READ, 0x25, 0xa5);
        golden(format, Access.READ_WRITE, 0x67, 0xe7);
        golden(
                format,
                Access.READ.withExecuteDisabled(),
                0x8000_0000_0000_0025L,
                0x8000_0000_0000_00a5L);
        assertThat(format.tableEntry(0x1000)).isEqualTo(0x1027);
        assertThat(format.firstChild(0x20_10e7L, 1)).isEqualTo(0x20_00e7L);
        assertThat(format.firstChild(0x20_00a5L, 1)).isEqualTo(0x20_0025L);
        assertThat(format.accessedMask() | format.dirtyMask()).isZero();
    }

    private static void golden(PageTableFormat format, Access access, long small, long large) {
        assertThat(format.leafBits(access, 0)).isEqualTo(small);
        assertThat(format.leafBits(access, 1)).isEqualTo(large);
        assertThat(format.leafBits(access, 2)).isEqualTo(large);
        assertThat(format.access(small, 0)).isEqualTo(access);
        assertThat(format.access(large, 1)).isEqualTo(access);
        assertThat(format.access(large, 2)).isEqualTo(access);
    }

    private static void refused(PageTableFormat format, Access access, Feature feature) {
        assertThatThrownBy(() -> format.leafBits(access, 0))
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(feature))
                .hasMessageContaining("VT-d");
    }
}
