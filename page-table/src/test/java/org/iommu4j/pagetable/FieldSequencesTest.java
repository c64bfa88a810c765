package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Mapping;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Sequences that went wrong, or nearly, on real machines. */
class FieldSequencesTest {

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;

    static Stream<PageTableFormat> large() {
        return TestFormats.all().filter(format -> format.entries() > 4);
    }

    /**
     * 128 KiB below 4 GiB to memory high above: the offset is no multiple of anything but the page
     * size.
     */
    @ParameterizedTest
    @MethodSource("large")
    void aBarMappedHighAbove(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0xfef8_0000L, 0x20_8b95_d000L, 128 * KIB, Access.READ_WRITE);
        for (long offset = 0; offset < 128 * KIB; offset += 0x800) {
            assertThat(domain.translate(0xfef8_0000L + offset)).isEqualTo(0x20_8b95_d000L + offset);
        }
        assertThat(domain.translate(0xfef7_ffffL)).isEqualTo(-1);
        assertThat(domain.translate(0xfefa_0000L)).isEqualTo(-1);
        assertThat(sizes(domain, 0xfef8_0000L, 128 * KIB)).containsOnly(4 * KIB).hasSize(32);
        assertThat(domain.unmap(0xfef8_0000L, 128 * KIB)).isEqualTo(128 * KIB);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("large")
    void anIdentityMapAcrossThreeGiB(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        domain.map(
                0x3_fe40_0000L, 0x3_fe40_0000L, 0x4_c060_0000L - 0x3_fe40_0000L, Access.READ_WRITE);
        List<Long> expected = new ArrayList<>();
        expected.addAll(Stream.generate(() -> 2 * MIB).limit(14).toList());
        expected.addAll(Stream.generate(() -> GIB).limit(3).toList());
        expected.addAll(Stream.generate(() -> 2 * MIB).limit(3).toList());
        assertThat(sizes(domain, 0, 1L << format.addressWidth())).isEqualTo(expected);
        assertThat(domain.translate(0x3_fe40_0000L)).isEqualTo(0x3_fe40_0000L);
        assertThat(domain.translate(0x4_c05f_ffffL)).isEqualTo(0x4_c05f_ffffL);
        assertThat(domain.translate(0x4_c060_0000L)).isEqualTo(-1);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void aTableEmptiedPageByPageIsReplacedByALargeLeaf(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        for (int emptyTables : new int[] {0, 64}) {
            TestDomain domain = TestDomain.on(format).emptyTables(emptyTables).open();
            for (long at = 0; at < mid; at += page) {
                domain.map(at, 8 * mid + at, page, Access.READ);
            }
            for (long at = 0; at < mid; at += page) {
                assertThat(domain.unmap(at, page)).isEqualTo(page);
            }
            domain.map(0, 2 * mid, mid, Access.READ_WRITE);
            assertThat(domain.mappingAt(0))
                    .contains(new Mapping(0, 2 * mid, mid, Access.READ_WRITE));
            assertThat(domain.statistics().tablePages()).isEqualTo(format.levels() - 1);
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void everyPageSizeOnceSideBySideAndUnmapped(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        long large = 1L << format.shift(2);
        List<Long> starts = new ArrayList<>();
        for (int level = 0; level <= 2; level++) {
            long size = 1L << format.shift(level);
            long iova = large - size;
            starts.add(level == 2 ? large : level == 1 ? large - 2 * size : iova);
            domain.map(starts.get(level), starts.get(level), size, Access.READ);
        }
        for (int level = 0; level <= 2; level++) {
            long size = 1L << format.shift(level);
            assertThat(domain.mappingAt(starts.get(level) + size - 1))
                    .contains(new Mapping(starts.get(level), starts.get(level), size, Access.READ));
        }
        for (int level = 0; level <= 2; level++) {
            long size = 1L << format.shift(level);
            assertThat(domain.unmap(starts.get(level), size)).isEqualTo(size);
            assertThat(domain.translate(starts.get(level))).isEqualTo(-1);
        }
        assertThat(domain.statistics().mappedBytes()).isZero();
        assertThat(domain.statistics().tablePages()).isEqualTo(1);
        domain.closeAndCheck();
    }

    private static List<Long> sizes(TestDomain domain, long iova, long size) {
        List<Long> sizes = new ArrayList<>();
        domain.mappings(iova, size, (at, output, leaf, access) -> sizes.add(leaf));
        return sizes;
    }
}
