package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MemoryType;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rules of group M. M2 and M4 are with the failures. */
class MappingTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M1_everyMappedByteTranslatesAndNothingElse(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        long limit = 1L << format.addressWidth();
        SplittableRandom random = new SplittableRandom(1);
        for (long base : new long[] {page, limit - 2 * large - page}) {
            TestDomain domain = TestDomain.on(format).open();
            HardwareWalk walk = new HardwareWalk(format, domain.memory());
            long size = 2 * large;
            domain.map(base, OUT + page, size, Access.READ_WRITE);
            for (int i = 0; i < 500; i++) {
                long offset = i == 0 ? 0 : i == 1 ? size - 1 : random.nextLong(size);
                assertThat(domain.translate(base + offset)).isEqualTo(OUT + page + offset);
                assertThat(walk.translation(domain.root(), base + offset).output())
                        .isEqualTo(OUT + page + offset);
            }
            assertThat(domain.translate(base - 1)).isEqualTo(IommuDomain.NOT_MAPPED);
            assertThat(domain.translate(base + size)).isEqualTo(IommuDomain.NOT_MAPPED);
            assertThat(domain.mappingAt(base - 1)).isEmpty();
            assertThat(domain.mappingAt(base + size)).isEmpty();
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M3_theLargestLegalLeavesAreUsed(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        long others = 2L * (format.entries() - 1);
        DomainOptions all = DomainOptions.defaults();
        assertThat(leaves(format, all, page, 3 * large - 2 * page, OUT + page))
                .isEqualTo(Map.of(page, others, mid, others, large, 1L));
        assertThat(leaves(format, all, 0, 2 * large, OUT)).isEqualTo(Map.of(large, 2L));
        assertThat(leaves(format, all, 0, large, OUT + mid)).isEqualTo(Map.of(mid, large / mid));
        assertThat(leaves(format, all, 0, mid, OUT + page)).isEqualTo(Map.of(page, mid / page));
        assertThat(leaves(format, all.withPageSizes(page | large), 0, large + mid, OUT))
                .isEqualTo(Map.of(page, mid / page, large, 1L));
        assertThat(leaves(format, all.withPageSizes(page), 0, mid, OUT))
                .isEqualTo(Map.of(page, mid / page));
    }

    private static Map<Long, Long> leaves(
            PageTableFormat format, DomainOptions options, long iova, long size, long output) {
        TestDomain domain = TestDomain.on(format).options(options).open();
        domain.map(iova, output, size, Access.READ);
        Map<Long, Long> seen = new TreeMap<>();
        domain.mappings(
                iova,
                size,
                (at, out, leaf, access) -> {
                    assertThat(out).isEqualTo(output + at - iova);
                    return seen.merge(leaf, 1L, Long::sum) > 0;
                });
        Map<Long, Long> counted = new TreeMap<>(domain.statistics().leaves());
        counted.values().removeIf(count -> count == 0);
        assertThat(counted).isEqualTo(seen);
        domain.closeAndCheck();
        return seen;
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M5_anEmptyTableIsNoObstacleToALargerLeaf(PageTableFormat format) {
        long page = 1L << format.shift(0);
        for (int level = 1; level <= 2; level++) {
            long size = 1L << format.shift(level);
            TestDomain domain = TestDomain.on(format).emptyTables(64).open();
            domain.map(0, page, page, Access.READ);
            domain.map(size - page, size, page, Access.READ);
            domain.unmap(0, page);
            domain.unmap(size - page, page);
            domain.map(0, OUT, size, Access.READ);
            assertThat(domain.mappingAt(0)).contains(new Mapping(0, OUT, size, Access.READ));
            assertThat(domain.allocator().taken()).isEqualTo(format.levels() - level);
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M6_theFirstAndTheLastPage(PageTableFormat format) {
        long page = 1L << format.shift(0);
        for (int width : new int[] {format.addressWidth(), format.addressWidth() - 1, 14}) {
            long limit = 1L << width;
            TestDomain domain =
                    TestDomain.on(format)
                            .options(DomainOptions.defaults().withAddressWidth(width))
                            .open();
            domain.map(0, OUT, page, Access.READ);
            domain.map(limit - page, OUT + page, page, Access.READ);
            assertThat(domain.translate(0)).isEqualTo(OUT);
            assertThat(domain.translate(limit - 1)).isEqualTo(OUT + 2 * page - 1);
            assertThat(domain.translate(limit)).isEqualTo(IommuDomain.NOT_MAPPED);
            assertThat(domain.translate(-1)).isEqualTo(IommuDomain.NOT_MAPPED);
            assertThat(domain.mappingAt(limit)).isEmpty();
            assertThat(domain.unmap(0, limit)).isEqualTo(2 * page);
            assertThat(domain.translate(limit - 1)).isEqualTo(IommuDomain.NOT_MAPPED);
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M6_whatIsOutOfRangeOrMisalignedIsRefusedBeforeAnyChange(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long limit = 1L << format.addressWidth();
        TestDomain domain = TestDomain.on(format).open();
        domain.map(2 * page, OUT, page, Access.READ);
        IotlbGather gather = domain.gather();
        Snapshot before = Snapshot.of(domain, gather);
        long[][] illegal = {
            {page / 2, page},
            {0, page + 8},
            {0, 0},
            {0, -page},
            {-page, page},
            {-page, 2 * page},
            {limit, page},
            {limit - page, 2 * page},
            {0, limit + page},
            {page, Long.MAX_VALUE & -page},
            {Long.MIN_VALUE, page}
        };
        for (long[] range : illegal) {
            refused(
                    () -> domain.map(range[0], OUT, range[1], Access.READ, gather),
                    range[0],
                    range[1]);
            refused(() -> domain.map(range[0], OUT, range[1], Access.READ), range[0], range[1]);
            refused(
                    () -> domain.tryMap(range[0], OUT, range[1], Access.READ, gather),
                    range[0],
                    range[1]);
            refused(() -> domain.unmap(range[0], range[1], gather), range[0], range[1]);
            refused(() -> domain.unmap(range[0], range[1]), range[0], range[1]);
            refused(() -> domain.cut(range[0], range[1], gather), range[0], range[1]);
            refused(() -> domain.split(range[0], range[1], page, gather), range[0], range[1]);
            refused(
                    () -> domain.mappings(range[0], range[1], (i, o, s, a) -> true),
                    range[0],
                    range[1]);
        }
        for (long output :
                new long[] {page / 2, -page, 1L << 52, (1L << 52) - page, Long.MIN_VALUE}) {
            refused(() -> domain.map(0, output, 2 * page, Access.READ, gather), output, 2 * page);
        }
        for (long size : new long[] {0, page / 2, 2 * page, 3 * page, Long.MIN_VALUE}) {
            refused(() -> domain.split(0, page, size, gather), 0, size);
        }
        assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
        domain.closeAndCheck();
    }

    private static void refused(ThrowingCallable call, long first, long second) {
        assertThatThrownBy(call)
                .as("0x%x, 0x%x", first, second)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0x");
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M6_optionsThatDoNotFitTheFormatAreRefused(PageTableFormat format) {
        DomainOptions options = DomainOptions.defaults();
        int tooWide = format.addressWidth() + 1;
        long large = 1L << format.shift(2);
        long unknown = 1L << format.shift(0) | 1L << format.shift(1) + 1;
        for (DomainOptions wrong :
                new DomainOptions[] {
                    options.withAddressWidth(tooWide),
                    options.withPageSizes(large),
                    options.withPageSizes(unknown)
                }) {
            assertThatThrownBy(() -> TestDomain.on(format).options(wrong).open())
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M7_attributesComeBackAsGiven(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        for (Access access : RandomTraffic.expressible(format)) {
            for (int level = 0; level <= 2; level++) {
                long size = 1L << format.shift(level);
                domain.map(0, OUT, size, access);
                assertThat(domain.mappingAt(size / 2)).contains(new Mapping(0, OUT, size, access));
                assertThat(walk.to(domain.root(), 0)).isTrue();
                assertThat(walk.access()).isEqualTo(access);
                assertThat(domain.unmap(0, size)).isEqualTo(size);
            }
        }
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M7_whatTheFormatCannotExpressIsRefusedByName(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        IotlbGather gather = domain.gather();
        Snapshot before = Snapshot.of(domain, gather);
        Access nothing = Access.of(0, 0);
        for (long size :
                new long[] {1L << format.shift(0), 1L << format.shift(1), 1L << format.shift(2)}) {
            refused(domain, gather, size, nothing, Feature.NO_ACCESS);
            if (!format.features().contains(Feature.WRITE_ONLY)) {
                refused(domain, gather, size, Access.WRITE, Feature.WRITE_ONLY);
                refused(domain, gather, size, Access.READ.withSnoop(), Feature.SNOOP_CONTROL);
            } else {
                refused(
                        domain,
                        gather,
                        size,
                        Access.READ.withExecuteDisabled(),
                        Feature.EXECUTE_DISABLE);
                Access through = Access.READ.withMemoryType(MemoryType.WRITE_THROUGH);
                refused(domain, gather, size, through, Feature.MEMORY_TYPES);
            }
        }
        assertThat(Snapshot.of(domain, gather)).isEqualTo(before);
        domain.closeAndCheck();
    }

    private static void refused(
            TestDomain domain, IotlbGather gather, long size, Access access, Feature feature) {
        assertThatThrownBy(() -> domain.map(0, 0, size, access, gather))
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(feature));
    }
}
