package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** C1 to C4 in one thread: what is merged, what is not, and what becomes of bits and tables. */
class CoalesceTest {

    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;
    private static final long HUGE = 0x4000_0000;
    private static final PageTableFormat FORMAT = TestFormats.secondStage(4);

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void C1_whatWasSplitIsOneLeafAgain(PageTableFormat format) {
        long small = 1L << format.shift(0);
        long huge = 1L << format.shift(2);
        for (Access access : RandomTraffic.expressible(format)) {
            TestDomain domain = TestDomain.on(format).open();
            domain.map(huge, huge * 2, huge, access);
            Mapping before = domain.mappingAt(huge).orElseThrow();
            IotlbGather gather = domain.gather();
            domain.cut(huge + (1L << format.shift(1)) + small, small, gather);
            assertThat(domain.statistics().tablePages()).isEqualTo(format.levels());
            assertThat(domain.coalesce(huge, huge, gather)).isEqualTo(2L * format.entries());
            assertThat(domain.mappingAt(huge + huge - small)).contains(before);
            assertThat(domain.statistics().coalesces()).isEqualTo(2);
            domain.sync(gather).await();
            assertThat(domain.statistics().tablePages()).isEqualTo(format.levels() - 2);
            domain.closeAndCheck();
        }
    }

    /** Defect m: a domain that was split everywhere goes back to the tables it began with. */
    @Test
    void C1_m_splitTablesAreMergedAgain() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        domain.map(0, 0, HUGE, Access.READ_WRITE);
        long least = domain.statistics().tablePages();
        try (IotlbGather gather = domain.gather()) {
            domain.split(0, HUGE, SMALL, gather);
            assertThat(domain.statistics().tablePages()).isEqualTo(least + 513);
            assertThat(domain.coalesce(0, HUGE, gather)).isEqualTo(513L * 512);
        }
        assertThat(domain.statistics().tablePages()).isEqualTo(least);
        assertThat(domain.statistics().peakTablePages()).isEqualTo(least + 513);
        assertThat(domain.statistics().leaves())
                .containsEntry(HUGE, 1L)
                .containsEntry(LARGE, 0L)
                .containsEntry(SMALL, 0L);
        domain.closeAndCheck();
    }

    @Test
    void C2_onlyEqualAndContiguousChildrenAreMerged() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        IotlbGather gather = domain.gather();
        Access other = Access.READ_WRITE.withSoftware(1);
        pages(domain, 0, LARGE, 0, Access.READ_WRITE);
        pages(domain, LARGE, LARGE - SMALL, LARGE, Access.READ_WRITE);
        domain.map(2 * LARGE - SMALL, 2 * LARGE - SMALL, SMALL, other);
        pages(domain, 2 * LARGE, LARGE - SMALL, 2 * LARGE, Access.READ_WRITE);
        pages(domain, 3 * LARGE, LARGE - SMALL, 3 * LARGE, Access.READ_WRITE);
        domain.map(4 * LARGE - SMALL, 5 * LARGE, SMALL, Access.READ_WRITE);
        pages(domain, 4 * LARGE, LARGE, 4 * LARGE + SMALL, Access.READ_WRITE);
        pages(domain, 5 * LARGE, LARGE, 6 * LARGE, Access.READ);
        assertThat(domain.coalesce(0, 6 * LARGE, gather)).isEqualTo(1024);
        assertThat(domain.statistics().leaves()).containsEntry(LARGE, 2L);
        assertThat(domain.mappingAt(0)).contains(new Mapping(0, 0, LARGE, Access.READ_WRITE));
        assertThat(domain.mappingAt(6 * LARGE - 1))
                .contains(new Mapping(5 * LARGE, 6 * LARGE, LARGE, Access.READ));
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @Test
    void C2_blocksThatTheRangeCoversInPartStay() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        pages(domain, 0, 3 * LARGE, 0, Access.READ_WRITE);
        try (IotlbGather gather = domain.gather()) {
            assertThat(domain.coalesce(SMALL, 2 * LARGE, gather)).isEqualTo(512);
            assertThat(domain.coalesce(0, LARGE - SMALL, gather)).isZero();
            assertThat(domain.coalesce(LARGE, LARGE, gather)).isZero();
            assertThat(domain.mappingAt(LARGE))
                    .contains(new Mapping(LARGE, LARGE, LARGE, Access.READ_WRITE));
            assertThat(domain.mappingAt(0).orElseThrow().size()).isEqualTo(SMALL);
        }
        domain.closeAndCheck();
    }

    @Test
    void C2_onlySizesOfTheDomain() {
        DomainOptions options = DomainOptions.defaults().withPageSizes(SMALL | LARGE);
        TestDomain domain = TestDomain.on(FORMAT).options(options).open();
        pages(domain, 0, HUGE, 0, Access.READ_WRITE);
        try (IotlbGather gather = domain.gather()) {
            assertThat(domain.coalesce(0, 1L << 48, gather)).isEqualTo(512L * 512);
        }
        assertThat(domain.statistics().leaves()).containsEntry(LARGE, 512L);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void C3_theLeafHasEveryBitOfItsChildren(PageTableFormat format) {
        long small = 1L << format.shift(0);
        long large = 1L << format.shift(1);
        long sets = format.accessedMask() | format.dirtyMask();
        for (Access access : new Access[] {Access.READ, Access.READ_WRITE}) {
            TestDomain domain = TestDomain.on(format).open();
            pages(domain, 0, large, 0, access);
            HardwareWalk walk = new HardwareWalk(format, domain.memory());
            walk.to(domain.root(), large - small);
            domain.memory().storeRelease(walk.entryAddress(), walk.entry() | sets);
            try (IotlbGather gather = domain.gather()) {
                assertThat(domain.coalesce(0, large, gather)).isEqualTo(format.entries());
            }
            assertThat(walk.to(domain.root(), 0)).isTrue();
            assertThat(walk.level()).isEqualTo(1);
            assertThat(walk.entry() & sets).isEqualTo(sets);
            domain.closeAndCheck();
        }
    }

    /** What hardware may still set in the old table, the leaf is born with. */
    @Test
    void C3_theLeafIsBornWithWhatItsTableMayStillBeGiven() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        HardwareWalk walk = new HardwareWalk(FORMAT, domain.memory());
        pages(domain, 0, LARGE, 0, Access.READ_WRITE);
        pages(domain, LARGE, LARGE, LARGE, Access.READ);
        try (IotlbGather gather = domain.gather()) {
            domain.coalesce(0, 2 * LARGE, gather);
        }
        walk.to(domain.root(), 0);
        assertThat(walk.entry() & FORMAT.dirtyMask()).as("writable").isNotZero();
        walk.to(domain.root(), LARGE);
        assertThat(walk.entry() & FORMAT.dirtyMask()).as("read-only").isZero();
        assertThat(walk.entry() & FORMAT.accessedMask()).isNotZero();
        domain.closeAndCheck();
    }

    @Test
    void C4_theTableIsHeldUntilTheWholeLeafIsInvalidatedWithItsStructure() {
        TestDomain domain = TestDomain.on(FORMAT).manual().open();
        pages(domain, LARGE, LARGE, LARGE, Access.READ_WRITE);
        long tables = domain.statistics().tablePages();
        IotlbGather gather = domain.gather();
        domain.coalesce(LARGE, LARGE, gather);
        assertThat(gather.heldPages()).isEqualTo(1);
        TestDomain.Flush held = TestDomain.Flush.of(gather);
        assertThat(held.covers(LARGE, LARGE)).isTrue();
        assertThat(held.structureChanged()).isTrue();
        domain.sync(gather);
        assertThat(domain.statistics().tablePages()).as("not answered yet").isEqualTo(tables);
        domain.completeAll();
        assertThat(domain.statistics().tablePages()).isEqualTo(tables - 1);
        domain.closeAndCheck();
    }

    /** As defect o, for the reverse of the split. */
    @Test
    void G2_anUnmapUnderACoalesceThatIsPendingCoversAllOfIt() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        pages(domain, 0, LARGE, 0, Access.READ_WRITE);
        domain.map(LARGE, LARGE, LARGE, Access.READ_WRITE);
        IotlbGather first = domain.gather();
        IotlbGather second = domain.gather();
        domain.coalesce(0, LARGE, first);
        domain.unmap(0, LARGE, second);
        assertThat(TestDomain.Flush.of(second).covers(0, LARGE)).isTrue();
        assertThat(second.structureChanged()).isTrue();
        domain.sync(second).await();
        domain.sync(first).await();
        domain.closeAndCheck();
    }

    @Test
    void L1_aClosedDomainIsNotCoalesced() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        IotlbGather gather = domain.gather();
        domain.closeAndCheck();
        assertThatThrownBy(() -> domain.coalesce(0, LARGE, gather))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void M6_rangesAreChecked() {
        TestDomain domain = TestDomain.on(FORMAT).open();
        IotlbGather gather = domain.gather();
        assertThatThrownBy(() -> domain.coalesce(1, LARGE, gather))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0x1000");
        assertThatThrownBy(() -> domain.coalesce(0, 1L << 49, gather))
                .isInstanceOf(IllegalArgumentException.class);
        domain.closeAndCheck();
    }

    /** Maps in the smallest leaves: all pages but the first before it, so that none is aligned. */
    private static void pages(TestDomain domain, long iova, long size, long output, Access access) {
        long small = 1L << domain.format().shift(0);
        long chunk = 1L << domain.format().shift(1);
        for (long at = 0; at < size; at += chunk) {
            long end = Math.min(size, at + chunk);
            domain.map(iova + at + small, output + at + small, end - at - small, access);
            domain.map(iova + at, output + at, small, access);
        }
    }
}
