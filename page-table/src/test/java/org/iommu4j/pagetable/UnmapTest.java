package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rules of group U. U4 is with the failures. */
class UnmapTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U1_exactlyTheAskedBytesGo(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).open();
        Access left = Access.READ.withSoftware(1);
        Access right = Access.READ_WRITE.withSoftware(2);
        domain.map(0, OUT, mid, left);
        domain.map(mid, OUT, mid, right);
        assertThat(domain.unmap(mid - page, 2 * page)).isEqualTo(2 * page);
        assertThat(domain.mappingAt(mid - page)).isEmpty();
        assertThat(domain.mappingAt(mid)).isEmpty();
        assertThat(domain.mappingAt(mid - page - 1))
                .contains(new Mapping(mid - 2 * page, OUT + mid - 2 * page, page, left));
        assertThat(domain.mappingAt(mid + page))
                .contains(new Mapping(mid + page, OUT + page, page, right));
        assertThat(domain.unmap(0, 2 * mid)).isEqualTo(2 * mid - 2 * page);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U2_holesAreSkipped(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        IotlbGather gather = domain.gather();
        assertThat(domain.unmap(0, 2 * large, gather)).isZero();
        assertThat(gather.isEmpty()).isTrue();
        for (long at = 0; at < 16 * page; at += 2 * page) {
            domain.map(at, OUT + at, page, Access.READ);
        }
        domain.map(large, OUT, large, Access.READ);
        assertThat(domain.unmap(page, page, gather)).isZero();
        assertThat(gather.isEmpty()).isTrue();
        assertThat(domain.unmap(0, 2 * large, gather)).isEqualTo(8 * page + large);
        assertThat(domain.unmap(0, 2 * large, gather)).isZero();
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U3_splitUnmapsExactly(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = withTwoLargeLeaves(format, PartialUnmap.SPLIT);
        assertThat(domain.unmap(large - page, 2 * page)).isEqualTo(2 * page);
        assertThat(domain.translate(large - page - 1)).isEqualTo(OUT + large - page - 1);
        assertThat(domain.translate(large + page)).isEqualTo(OUT + large + page);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U3_rejectThrowsAndChangesNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = withTwoLargeLeaves(format, PartialUnmap.REJECT);
        for (long[] range :
                new long[][] {{large - page, 2 * page}, {0, large + page}, {page, large - page}}) {
            assertThatThrownBy(() -> domain.unmap(range[0], range[1]))
                    .isInstanceOf(PartialUnmapException.class);
        }
        assertThat(domain.mappingAt(0)).contains(new Mapping(0, OUT, large, Access.READ));
        assertThat(domain.unmap(0, large)).isEqualTo(large);
        try (IotlbGather gather = domain.gather()) {
            domain.cut(large, page, gather);
        }
        assertThat(domain.unmap(large, page)).isEqualTo(page);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U3_widenRemovesTheBoundaryLeavesWholeAndSaysSo(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = withTwoLargeLeaves(format, PartialUnmap.WIDEN);
        domain.map(3 * large, OUT, page, Access.READ);
        IotlbGather gather = domain.gather();
        assertThat(domain.unmap(large - page, 2 * page, gather)).isEqualTo(2 * large);
        assertThat(gather.start()).isZero();
        assertThat(gather.end()).isEqualTo(2 * large);
        assertThat(domain.translate(0)).isEqualTo(IommuDomain.NOT_MAPPED);
        assertThat(domain.translate(2 * large - 1)).isEqualTo(IommuDomain.NOT_MAPPED);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    private static TestDomain withTwoLargeLeaves(PageTableFormat format, PartialUnmap mode) {
        TestDomain domain = TestDomain.on(format).partialUnmap(mode).open();
        domain.map(0, OUT, 2L << format.shift(2), Access.READ);
        return domain;
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U5_emptiedTablesAreReclaimedWhicheverCallEmptiesThem(PageTableFormat format) {
        long page = 1L << format.shift(0);
        int entries = format.entries();
        long limit = 1L << format.addressWidth();
        for (int order = 0; order < 3; order++) {
            TestDomain domain = TestDomain.on(format).open();
            long[] iovas = LongStream.range(0, 2L * entries).map(i -> i * page).toArray();
            iovas[0] = limit - page;
            for (long iova : iovas) {
                domain.map(iova, OUT, page, Access.READ);
            }
            arrange(iovas, order);
            for (long iova : iovas) {
                assertThat(domain.unmap(iova, page)).isEqualTo(page);
            }
            assertThat(domain.statistics().tablePages()).isEqualTo(1);
            assertThat(domain.allocator().taken()).isEqualTo(1);
            domain.closeAndCheck();
        }
    }

    private static void arrange(long[] iovas, int order) {
        SplittableRandom random = new SplittableRandom(9);
        for (int i = iovas.length - 1; i > 0 && order > 0; i--) {
            int other = order == 1 ? iovas.length - 1 - i : random.nextInt(i + 1);
            if (order == 2 || other < i) {
                long kept = iovas[i];
                iovas[i] = iovas[other];
                iovas[other] = kept;
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U5_theDampingKeepsAFewAndTrimNone(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        int kept = 2;
        int used = Math.min(format.entries() * format.entries(), 40);
        TestDomain domain = TestDomain.on(format).emptyTables(kept).open();
        for (long i = 0; i < used; i++) {
            domain.map(i * mid, OUT, page, Access.READ);
        }
        for (long i = 0; i < used; i++) {
            domain.unmap(i * mid, page);
        }
        long most = 1 + (long) kept * (format.levels() - 1);
        assertThat(domain.statistics().tablePages()).isBetween(2L, most);
        domain.trim();
        assertThat(domain.statistics().tablePages()).isEqualTo(1);
        assertThat(domain.allocator().taken()).isEqualTo(1);
        domain.closeAndCheck();
    }

    /**
     * The point of the damping: a lone page that comes and goes takes no page and invalidates no
     * structure.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U5_aLonePageThatComesAndGoesKeepsItsTable(PageTableFormat format) {
        long page = 1L << format.shift(0);
        TestDomain domain = TestDomain.on(format).emptyTables(8).open();
        domain.map(0, OUT, page, Access.READ);
        domain.unmap(0, page);
        long requests = domain.allocator().requests();
        for (int i = 0; i < 10; i++) {
            domain.map(0, OUT, page, Access.READ);
            domain.unmap(0, page);
            assertThat(domain.flushes().getLast().structureChanged()).isFalse();
        }
        assertThat(domain.allocator().requests()).isEqualTo(requests);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void U6_everyRangeOverLeavesOfEverySizeIsExact(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        long[] bounds = {
            0,
            page,
            mid - page,
            mid,
            mid + page,
            mid + mid / 2,
            2 * mid,
            large - mid / 2,
            large - page,
            large,
            large + page,
            large + mid,
            2 * large - page,
            2 * large
        };
        for (int i = 0; i < bounds.length; i++) {
            for (int j = i + 1; j < bounds.length; j++) {
                unmapOutOfEverySize(format, bounds[i], bounds[j], bounds);
            }
        }
    }

    /**
     * Pages to the first mid boundary, then a mid leaf, a hole of a page, pages, mid leaves, then a
     * large leaf.
     */
    private static void unmapOutOfEverySize(
            PageTableFormat format, long from, long to, long[] probes) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).pages(64).open();
        ReferenceModel model = new ReferenceModel(format, DomainOptions.defaults());
        long[][] mapped = {
            {0, OUT + page, mid},
            {mid, OUT + mid, mid},
            {2 * mid + page, OUT + page, large - 2 * mid - page},
            {large, OUT + large, large}
        };
        for (long[] each : mapped) {
            domain.map(each[0], each[1], each[2], Access.READ_WRITE);
            model.map(each[0], each[1], each[2], Access.READ_WRITE);
        }
        assertThat(domain.unmap(from, to - from))
                .as("[0x%x, 0x%x)", from, to)
                .isEqualTo(model.unmapSplitting(from, to - from));
        for (long probe : probes) {
            for (long at : new long[] {Math.max(0, probe - 1), Math.min(probe, 2 * large - 1)}) {
                assertThat(domain.mappingAt(at)).isEqualTo(model.leafAt(at));
            }
        }
        assertThat(domain.statistics().tablePages()).isEqualTo(model.leastTables());
        domain.closeAndCheck();
    }
}
