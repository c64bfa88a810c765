package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;
import org.junit.jupiter.api.Test;

/** The formats against words written down by hand from the specification. */
class RiscvFormatsTest {

    private static final PageTableFormat SV48 = RiscvFormats.firstStage(4, 56, true);

    @Test
    void M7_aLeafIsValidUserAccessedAndDirty() {
        long page = 0x8765_4321L << 10;
        assertThat(SV48.leafBits(Access.READ_WRITE, 0) | page).isEqualTo(0x21d_950c_84dfL);
        assertThat(SV48.leafBits(Access.READ, 0)).isEqualTo(0xdb);
        assertThat(SV48.leafBits(Access.READ.withExecuteDisabled(), 0)).isEqualTo(0xd3);
        assertThat(SV48.leafBits(Access.READ_WRITE.withExecuteDisabled(), 3)).isEqualTo(0xd7);
        assertThat(SV48.leafBits(Access.READ.withSoftware(3), 1)).isEqualTo(0x3db);
    }

    @Test
    void M7_memoryTypesAreThoseOfSvpbmt() {
        Access io = Access.READ_WRITE.withMemoryType(MemoryType.UNCACHEABLE);
        Access nonCacheable = Access.READ_WRITE.withMemoryType(MemoryType.WRITE_COMBINING);
        assertThat(SV48.leafBits(io, 2)).isEqualTo(0x4000_0000_0000_00dfL);
        assertThat(SV48.leafBits(nonCacheable, 0)).isEqualTo(0x2000_0000_0000_00dfL);
        PageTableFormat without = RiscvFormats.firstStage(4, 56, false);
        assertThatThrownBy(() -> without.leafBits(io, 0))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("MEMORY_TYPES");
        assertThatThrownBy(() -> SV48.leafBits(Access.WRITE, 0))
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("WRITE_ONLY");
    }

    @Test
    void aTableIsWhatHasNoPermission() {
        assertThat(SV48.tableEntry(0x1234_5000L)).isEqualTo(0x48d_1401L);
        assertThat(SV48.tableAddress(0x48d_1401L)).isEqualTo(0x1234_5000L);
        assertThat(SV48.isLeaf(0x48d_1401L, 3)).isFalse();
        for (long permission : new long[] {2, 8, 6, 10, 14}) {
            assertThat(SV48.isLeaf(1 | permission, 3)).as("0x%x", permission).isTrue();
        }
    }

    @Test
    void S2_S3_childrenOfA512GiBLeafInherit() {
        long leaf = 0x40_0000_0000L << 4 >>> 2 | SV48.leafBits(Access.READ.withSoftware(1), 3);
        long child = SV48.firstChild(leaf, 3);
        assertThat(child).isEqualTo(leaf);
        assertThat(SV48.outputAddress(child, 2)).isEqualTo(0x400_0000_0000L);
        assertThat(SV48.outputAddress(child + (0x4000_0000L >>> 2), 2)).isEqualTo(0x400_4000_0000L);
    }

    @Test
    void sizesAndWidthsAreThoseOfTheirNames() {
        assertThat(format("first-stage-3").name()).isEqualTo("Sv39");
        assertThat(format("first-stage-3").addressWidth()).isEqualTo(38);
        assertThat(format("first-stage-4").addressWidth()).isEqualTo(47);
        assertThat(format("first-stage-5").addressWidth()).isEqualTo(56);
        assertThat(format("second-stage-3").name()).isEqualTo("Sv39x4");
        assertThat(format("second-stage-3").addressWidth()).isEqualTo(39);
        assertThat(format("second-stage-5").addressWidth()).isEqualTo(57);
        assertThat(format("second-stage-4").rootPages()).isEqualTo(4);
        assertThat(format("first-stage-4").rootPages()).isEqualTo(1);
        assertThat(format("first-stage-4").pageSizes()).isEqualTo(0x80_4020_1000L);
        assertThat(format("first-stage-5").pageSizes()).isEqualTo(0x1_0080_4020_1000L);
        assertThat(SV48.features()).contains(Feature.HITLESS_SPLIT, Feature.EXECUTE_DISABLE);
    }

    @Test
    void addressesBeyondTheUnitsWidthAreNoneOfTheFormat() {
        PageTableFormat narrow = RiscvFormats.firstStage(4, 46, true);
        assertThat(narrow.addressMask()).isEqualTo((1L << 44) - (1L << 10));
        assertThat(SV48.addressMask()).isEqualTo(0x003f_ffff_ffff_fc00L);
    }

    private static PageTableFormat format(String name) {
        return PageTableFormatProvider.providers().stream()
                .filter(provider -> provider.name().equals("riscv"))
                .findFirst()
                .orElseThrow()
                .formats()
                .get(name);
    }
}
