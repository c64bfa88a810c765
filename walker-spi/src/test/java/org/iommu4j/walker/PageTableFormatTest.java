package org.iommu4j.walker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class PageTableFormatTest {

    @SuppressWarnings("unused")
    private static final List<PageTableFormat> FORMATS = ExampleFormats.ALL;

    @ParameterizedTest
    @FieldSource("FORMATS")
    void M7_everyAccessComesBackOrIsRefusedByName(PageTableFormat format) {
        int accepted = 0;
        for (Access access : everyAccess()) {
            for (int level = 0; level < 3; level++) {
                Feature missing = missing(format, access);
                if (missing == null) {
                    accepted++;
                    long address = 0x40_0000_0000L;
                    long entry = format.leafBits(access, level) | address >>> format.addressShift();
                    assertThat(format.isPresent(entry)).as("%s at %d", access, level).isTrue();
                    assertThat(format.isLeaf(entry, level)).isTrue();
                    assertThat(format.access(entry, level)).isEqualTo(access);
                    assertThat(format.isWritable(entry)).isEqualTo(access.writable());
                    assertThat(format.outputAddress(entry, level)).isEqualTo(address);
                    long used = entry | format.accessedMask() | format.dirtyMask();
                    assertThat(format.access(used, level)).isEqualTo(access);
                    assertThat(format.outputAddress(used, level)).isEqualTo(address);
                } else {
                    int at = level;
                    assertThatThrownBy(() -> format.leafBits(access, at))
                            .isInstanceOf(UnsupportedFeatureException.class)
                            .hasMessageContaining(missing.name())
                            .hasMessageContaining(format.name())
                            .hasMessageContaining(access.toString());
                }
            }
        }
        assertThat(accepted).isGreaterThanOrEqualTo(2 * 3);
    }

    @ParameterizedTest
    @FieldSource("FORMATS")
    void S2_childrenInheritEverythingAtTheirLevel(PageTableFormat format) {
        for (Access access : everyAccess()) {
            if (missing(format, access) != null) {
                continue;
            }
            for (long set :
                    new long[] {
                        0, format.accessedMask(), format.accessedMask() | format.dirtyMask()
                    }) {
                long address = 0x1_4000_0000L;
                long placed = address >>> format.addressShift() | set;
                long giga = format.leafBits(access, 2) | placed;
                long mega = format.firstChild(giga, 2);
                assertThat(mega).isEqualTo(format.leafBits(access, 1) | placed);
                assertThat(format.firstChild(mega, 1))
                        .isEqualTo(format.leafBits(access, 0) | placed);
                assertThat(format.parent(mega, 1)).isEqualTo(giga);
                assertThat(format.parent(format.firstChild(mega, 1), 0)).isEqualTo(mega);
            }
        }
    }

    @Test
    void S2_theMemoryTypeMovesWhereTheMarkWas() {
        PageTableFormat format = ExampleFormats.MOVING;
        Access writeBack = Access.READ_WRITE.withMemoryType(MemoryType.WRITE_BACK);
        assertThat(format.leafBits(writeBack, 1)).isEqualTo(0x1087);
        assertThat(format.leafBits(writeBack, 0)).isEqualTo(0x0087);
        assertThat(format.firstChild(0x20_1087L, 1)).isEqualTo(0x20_0087L);
        assertThat(format.firstChild(0x20_0087L, 1)).isEqualTo(0x20_0007L);
        assertThat(format.isLeaf(0x0087, 0)).isTrue();
    }

    @Test
    void M7_fetchingIsPermittedByABitOrForbiddenByOne() {
        assertThat(ExampleFormats.UNMARKED.leafBits(Access.READ, 0)).isEqualTo(0x1b);
        assertThat(ExampleFormats.UNMARKED.leafBits(Access.READ.withExecuteDisabled(), 0))
                .isEqualTo(0x13);
        assertThat(ExampleFormats.MOVING.leafBits(Access.READ, 0)).isEqualTo(0x5);
        assertThat(ExampleFormats.MOVING.leafBits(Access.READ.withExecuteDisabled(), 0))
                .isEqualTo(1L << 63 | 0x5);
    }

    @ParameterizedTest
    @FieldSource("FORMATS")
    void tablesAreToldFromLeaves(PageTableFormat format) {
        long entry = format.tableEntry(0x1234_5000L);
        assertThat(format.isPresent(entry)).isTrue();
        assertThat(format.isLeaf(entry, 1)).isFalse();
        assertThat(format.isLeaf(entry, 2)).isFalse();
        assertThat(format.tableAddress(entry)).isEqualTo(0x1234_5000L);
        assertThat(format.tableAddress(entry | format.accessedMask())).isEqualTo(0x1234_5000L);
        assertThat(format.isPresent(0)).isFalse();
    }

    @Test
    void numbersFollowFromLevelsAndIndexBits() {
        PageTableFormat format = ExampleFormats.MARKED;
        assertThat(format.pageSizes()).isEqualTo(0x1000L | 0x20_0000L | 0x4000_0000L);
        assertThat(format.addressWidth()).isEqualTo(39);
        assertThat(format.entries()).isEqualTo(512);
        assertThat(format.shift(2)).isEqualTo(30);
        assertThat(format.hasLeaves(2)).isTrue();
        PageTableFormat small = ExampleFormats.marked().indexBits(2).leavesAt(0, 1).build();
        assertThat(small.entries()).isEqualTo(4);
        assertThat(small.addressWidth()).isEqualTo(18);
        assertThat(small.pageSizes()).isEqualTo(0x5000L);
        assertThat(small.hasLeaves(2)).isFalse();
        assertThat(ExampleFormats.marked().addressWidth(36).build().addressWidth()).isEqualTo(36);
        assertThat(format.rootPages()).isEqualTo(1);
        assertThat(ExampleFormats.UNMARKED.rootPages()).isEqualTo(4);
        assertThat(ExampleFormats.UNMARKED.addressWidth()).isEqualTo(39);
    }

    @Test
    void featuresAreWhatCanBeExpressed() {
        assertThat(ExampleFormats.MARKED.features())
                .containsExactlyInAnyOrder(
                        Feature.READ_ONLY,
                        Feature.WRITE_ONLY,
                        Feature.SNOOP_CONTROL,
                        Feature.MEMORY_TYPES,
                        Feature.SOFTWARE_BITS,
                        Feature.HITLESS_SPLIT,
                        Feature.COALESCE);
        assertThat(
                        ExampleFormats.marked()
                                .software(0)
                                .sizeChange(SizeChange.BREAK_BEFORE_MAKE)
                                .build()
                                .features())
                .doesNotContain(Feature.SOFTWARE_BITS, Feature.HITLESS_SPLIT, Feature.COALESCE);
        assertThat(ExampleFormats.MOVING.features())
                .contains(Feature.EXECUTE_DISABLE)
                .doesNotContain(Feature.WRITE_ONLY);
        assertThat(ExampleFormats.UNMARKED.features()).contains(Feature.EXECUTE_DISABLE);
    }

    @Test
    void aFormatDoesNotChangeWithItsBuilder() {
        PageTableFormatBuilder builder = ExampleFormats.marked();
        PageTableFormat format = builder.build();
        builder.permissions(0x2, 0x1, true).memoryType(MemoryType.UNCACHEABLE, 0x30, 0x30).snoop(0);
        Access access = Access.READ.withSnoop().withMemoryType(MemoryType.UNCACHEABLE);
        assertThat(format.leafBits(access, 0)).isEqualTo(0x841);
        assertThat(format.access(0x841, 0)).isEqualTo(access);
    }

    @Test
    void overlapsAreRefused() {
        refused(() -> ExampleFormats.marked().snoop(0x1).build(), "snoop bits 0x1 overlap");
        refused(
                () -> ExampleFormats.marked().snoop(0x80).build(),
                "snoop bits 0x80 overlap others in a large leaf");
        refused(
                () -> ExampleFormats.marked().permissions(1, 1, false).build(),
                "write bits 0x1 overlap");
        refused(() -> ExampleFormats.marked().executeDisable(1L << 52).build(), "software bits");
        refused(
                () -> ExampleFormats.marked().software(0x1000).build(),
                "software bits 0x1000 overlap");
        refused(
                () -> ExampleFormats.marked().hardwareSets(0x800, 0).build(),
                "accessed bits 0x800 overlap");
        refused(
                () -> ExampleFormats.marked().hardwareSets(0x100, 0x100).build(),
                "dirty bits 0x100 overlap");
        refused(
                () -> ExampleFormats.marked().constants(0x3, 0x800).build(),
                "constant bits 0x800 overlap");
        refused(
                () ->
                        ExampleFormats.marked()
                                .memoryType(MemoryType.WRITE_THROUGH, 0x1000, 0x4)
                                .build(),
                "memory type bits 0x1070 overlap others in a leaf of 4 KiB");
        refused(
                () ->
                        ExampleFormats.marked()
                                .memoryType(MemoryType.WRITE_THROUGH, 0x4, 0x20_0000)
                                .build(),
                "memory type bits 0x200070 overlap others in a large leaf");
        refused(
                () ->
                        ExampleFormats.marked()
                                .memoryType(MemoryType.WRITE_THROUGH, 0x4, 0x84)
                                .build(),
                "memory type bits 0xf4 overlap others in a large leaf");
        refused(
                () -> ExampleFormats.marked().memoryType(MemoryType.WRITE_THROUGH, 0, 0).build(),
                "two memory types look the same");
        refused(
                () -> ExampleFormats.marked().constants(0x1003, 0).build(),
                "constant bits of a table");
    }

    @Test
    void whatCannotWorkIsRefused() {
        refused(() -> ExampleFormats.marked().present(0).build(), "must be present");
        refused(
                () -> ExampleFormats.marked().present(2).build(),
                "a leaf of every access must be present");
        refused(
                () -> ExampleFormats.marked().constants(0x83, 0).build(),
                "must not look like a leaf");
        refused(
                () -> ExampleFormats.marked().largeLeaf(0, 0).build(),
                "large leaves must be told from tables");
        refused(() -> ExampleFormats.marked().largeLeaf(0x400, 0).build(), "must look like a leaf");
        refused(
                () -> ExampleFormats.marked().largeLeaf(0x400, 0x80).build(),
                "no part of its test");
        refused(
                () -> ExampleFormats.marked().address(0x000f_ffff_fffe_f000L, 0).build(),
                "neighbours");
        refused(
                () -> ExampleFormats.marked().address(0x000f_ffff_ffff_e000L, 0).build(),
                "neighbours");
        refused(
                () -> ExampleFormats.marked().address(0x000f_ffff_ffff_f000L, 13).build(),
                "0 to 12");
        refused(() -> ExampleFormats.marked().indexBits(10).build(), "10 index bits; 1 to 9");
        refused(() -> PageTableFormat.named("none", 0).present(1).build(), "0 levels; 1 to 6");
        refused(() -> PageTableFormat.named("six", 6).addressWidth(57).build(), "57 at most");
        refused(() -> ExampleFormats.marked().rootPages(3).build(), "3 root pages; 1, 2, 4");
        refused(() -> ExampleFormats.marked().rootPages(32).build(), "32 root pages; 1, 2, 4");
        refused(
                () -> ExampleFormats.marked().executeDisable(1L << 63).executable(1L << 62).build(),
                "one that permits them");
        refused(() -> ExampleFormats.marked().addressWidth(40).build(), "13 to 39 are legal");
        refused(() -> ExampleFormats.marked().leavesAt(1).build(), "leaves of 4 KiB are necessary");
        refused(() -> ExampleFormats.marked().leavesAt(0, 3), "0 to 2 are legal");
        refused(
                () -> ExampleFormats.marked().software(0x1ff0_0000_0000_0000L).build(),
                "at most 8 software bits");
        refused(
                () -> ExampleFormats.marked().permissions(1, 0, false).build(),
                "a write bit is necessary");
    }

    private static void refused(ThrowingCallable build, String why) {
        assertThatThrownBy(build)
                .isInstanceOf(IllegalArgumentException.class)
                .isNotInstanceOf(IommuException.class)
                .hasMessageContaining(why);
    }

    /** What this format lacks for an access, written down apart from the code under test. */
    private static Feature missing(PageTableFormat format, Access access) {
        boolean types =
                access.memoryType() == MemoryType.DEFAULT
                        || format == ExampleFormats.MOVING
                        || (format == ExampleFormats.MARKED
                                && (access.memoryType() == MemoryType.UNCACHEABLE
                                        || access.memoryType() == MemoryType.WRITE_BACK));
        if (!types) {
            return Feature.MEMORY_TYPES;
        }
        if (!access.readable() && !access.writable()) {
            return Feature.NO_ACCESS;
        }
        if (!access.readable() && format != ExampleFormats.MARKED) {
            return Feature.WRITE_ONLY;
        }
        if (access.executeDisabled() && format == ExampleFormats.MARKED) {
            return Feature.EXECUTE_DISABLE;
        }
        if (access.snooped() && format != ExampleFormats.MARKED) {
            return Feature.SNOOP_CONTROL;
        }
        return access.software() > 3 && format == ExampleFormats.UNMARKED
                ? Feature.SOFTWARE_BITS
                : null;
    }

    private static List<Access> everyAccess() {
        List<Access> all = new ArrayList<>();
        for (int index = 0; index < Access.INDEXES; index++) {
            if (index >>> 4 < MemoryType.values().length) {
                for (int software : new int[] {0, 1, 3, 4, 0x80, 0xa5, 0xff}) {
                    all.add(Access.of(index, software));
                }
            }
        }
        return all;
    }
}
