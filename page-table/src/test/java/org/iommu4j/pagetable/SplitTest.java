package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rules of group S that need no stepping: what children inherit, their stride, and where cuts
 * and splits go.
 */
class SplitTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S2_childrenInheritEveryAttribute(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        for (Access access : RandomTraffic.expressible(format)) {
            domain.map(0, OUT, large, access);
            domain.unmap(mid + page, page);
            for (long child : new long[] {0, mid, mid + 2 * page, 2 * mid - page, large - mid}) {
                assertThat(walk.to(domain.root(), child)).isTrue();
                assertThat(walk.access())
                        .as("access of the child at 0x%x", child)
                        .isEqualTo(access);
                assertThat(walk.entry())
                        .as("entry of the child at 0x%x", child)
                        .isEqualTo(
                                format.leafBits(access, walk.level())
                                        | OUT + child >>> format.addressShift());
            }
            domain.unmap(0, large);
        }
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S3_theStrideOfChildrenIsRightAtEveryLevel(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        domain.map(large, OUT, large, Access.READ);
        for (long size : new long[] {mid, page}) {
            try (IotlbGather gather = domain.gather()) {
                domain.split(large, large, size, gather);
            }
            for (long child = 0; child < large; child += size) {
                if (!walk.to(domain.root(), large + child)
                        || walk.output(large + child) != OUT + child) {
                    throw new AssertionError("child at 0x" + Long.toHexString(child));
                }
            }
            assertThat(domain.mappingAt(2 * large - 1))
                    .contains(new Mapping(2 * large - size, OUT + large - size, size, Access.READ));
        }
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S3_splitsSkipPageSizesThatAreNotUsed(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain =
                TestDomain.on(format)
                        .options(DomainOptions.defaults().withPageSizes(page | large))
                        .open();
        domain.map(0, OUT, large, Access.READ);
        assertThat(domain.unmap(page, page)).isEqualTo(page);
        assertThat(leaves(domain)).isEqualTo(Map.of(page, large / page - 1));
        assertThat(domain.translate(large - 1)).isEqualTo(OUT + large - 1);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void cutMakesBothBoundariesAndUnmapsNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        long entries = format.entries();
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 2 * large, Access.READ);
        IotlbGather gather = domain.gather();
        domain.cut(page, large, gather);
        assertThat(leaves(domain)).isEqualTo(Map.of(page, 2 * entries, mid, 2 * (entries - 1)));
        assertThat(domain.statistics().splits()).isEqualTo(2);
        domain.sync(gather).await();
        domain.cut(page, large, gather);
        domain.cut(mid, mid, gather);
        domain.cut(2 * large + page, page, gather);
        assertThat(gather.isEmpty()).isTrue();
        assertThat(domain.unmap(0, 2 * large)).isEqualTo(2 * large);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void splitLeavesNothingLargerInTheRangeAndTheRestAsItIs(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        long entries = format.entries();
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 2 * large, Access.READ);
        IotlbGather gather = domain.gather();
        domain.split(mid, mid, page, gather);
        assertThat(leaves(domain)).isEqualTo(Map.of(page, entries, mid, entries - 1, large, 1L));
        domain.split(0, 2 * large, mid, gather);
        assertThat(leaves(domain)).isEqualTo(Map.of(page, entries, mid, 2 * entries - 1));
        domain.sync(gather).await();
        domain.split(0, 2 * large, large, gather);
        domain.split(0, 2 * large, mid, gather);
        domain.split(mid, mid, page, gather);
        assertThat(gather.isEmpty()).isTrue();
        domain.closeAndCheck();
    }

    private static Map<Long, Long> leaves(TestDomain domain) {
        Map<Long, Long> counted = new TreeMap<>(domain.statistics().leaves());
        counted.values().removeIf(count -> count == 0);
        return counted;
    }

    /** The statistics say what happened, the highest number of tables included. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void statisticsAreExact(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        int above = format.levels() - 2;
        TestDomain domain = TestDomain.on(format).open();
        assertThat(List.of(domain.statistics().tablePages(), domain.statistics().peakTablePages()))
                .isEqualTo(List.of(1L, 1L));
        domain.map(0, OUT, large, Access.READ);
        assertThat(domain.statistics().tablePages()).isEqualTo(above);
        IotlbGather gather = domain.gather();
        domain.unmap(0, page, gather);
        assertThat(domain.statistics().tablePages()).isEqualTo(above + 2);
        assertThat(domain.statistics().mappedBytes()).isEqualTo(large - page);
        domain.unmap(0, large, gather);
        assertThat(gather.heldPages()).isEqualTo(above + 1);
        assertThat(domain.statistics().tablePages()).isEqualTo(above + 2);
        domain.sync(gather).await();
        assertThat(domain.statistics().tablePages()).isEqualTo(1);
        assertThat(domain.statistics().peakTablePages()).isEqualTo(above + 2);
        assertThat(domain.statistics().splits()).isEqualTo(1);
        assertThat(domain.statistics().coalesces()).isZero();
        assertThat(domain.statistics().mappedBytes()).isZero();
        domain.closeAndCheck();
    }
}
