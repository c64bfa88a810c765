package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.BiConsumer;
import org.iommu4j.api.Access;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Defect o, rule G2: until the hardware has forgotten a large leaf that was split, whatever is done
 * to a part of it must make it forget the whole leaf, whichever gather is used; and rule M8: what
 * is mapped there can be used when map returns.
 */
class PendingSplitTest {

    private static final long OUT = 1L << 40;

    /** Defect o: the hardware may still hold the large leaf that another, unsynced gather split. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_aPendingSplitWidensWhatOthersInvalidate(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long size = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, size, Access.READ);
        IotlbGather first = domain.gather();
        IotlbGather second = domain.gather();
        domain.unmap(0, page, first);
        domain.unmap(2 * page, page, second);
        requireCovers(second, 0, size, true);
        domain.sync(second).await();

        domain.unmap(3 * page, page, second);
        requireCovers(second, 3 * page, page, false);
        domain.sync(second).await();

        domain.sync(first).await();
        domain.unmap(size - page, page, second);
        assertThat(second.start()).isGreaterThanOrEqualTo(size - (1L << format.shift(1)));
        domain.sync(second).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_aSplitIsPendingUntilItsInvalidationHasCompleted(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long size = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, size, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(0, page, gather);
        domain.sync(gather);
        domain.unmap(page, page, gather);
        requireCovers(gather, 0, size, true);
        domain.complete(0);
        domain.sync(gather);
        domain.completeAll();
        domain.unmap(2 * page, page, gather);
        requireCovers(gather, 2 * page, page, false);
        assertThat(gather.end() - gather.start()).isEqualTo(page);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    /** An invalidation that was on its way before a split does not end it. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_anEarlierInvalidationDoesNotEndALaterSplit(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, large, Access.READ);
        IotlbGather early = domain.gather();
        IotlbGather late = domain.gather();
        IotlbGather third = domain.gather();
        domain.cut(mid, mid, early);
        FlushCompletion completion = domain.sync(early);
        domain.unmap(mid, page, late);
        completion.await();
        domain.unmap(mid + page, page, third);
        requireCovers(third, mid, mid, true);
        domain.sync(third).await();
        domain.sync(late).await();
        domain.closeAndCheck();
    }

    /** An invalidation beside it does not end a split. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_anInvalidationThatDoesNotCoverEndsNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 2 * large, Access.READ);
        IotlbGather first = domain.gather();
        IotlbGather second = domain.gather();
        domain.unmap(0, page, first);
        domain.unmap(large, large, second);
        domain.sync(second).await();
        domain.unmap(page, page, second);
        requireCovers(second, 0, large, true);
        domain.sync(second).await();
        domain.sync(first).await();
        domain.closeAndCheck();
    }

    /**
     * An invalidation of another span, although its structure changed too, does not end a split.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_anotherSpansInvalidationEndsNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 2 * large, Access.READ);
        IotlbGather first = domain.gather();
        IotlbGather second = domain.gather();
        domain.unmap(0, page, first);
        domain.unmap(large, page, second);
        requireCovers(second, large, large, true);
        domain.sync(second).await();
        domain.unmap(page, page, second);
        requireCovers(second, 0, large, true);
        domain.sync(second).await();
        domain.sync(first).await();
        domain.closeAndCheck();
    }

    /** Nor does one that covers the span and comes later, if it lets paging structures be kept. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_anInvalidationOfLeavesOnlyEndsNothing(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT + mid, 2 * mid, Access.READ);
        IotlbGather leaves = domain.gather();
        IotlbGather splitting = domain.gather();
        IotlbGather third = domain.gather();
        domain.unmap(0, mid, leaves);
        domain.map(0, OUT + mid, mid, Access.READ, splitting);
        domain.unmap(0, page, splitting);
        requireCovers(leaves, 0, mid, false);
        domain.sync(leaves).await();
        domain.unmap(page, page, third);
        requireCovers(third, 0, mid, true);
        domain.sync(third).await();
        domain.sync(splitting).await();
        domain.closeAndCheck();
    }

    /**
     * Whatever is done inside the span of a pending split: pages, leaves, tables, cuts, splits,
     * maps.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_everyChangeInsideAPendingSplitIsWidened(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        List<BiConsumer<TestDomain, IotlbGather>> changes =
                List.of(
                        (domain, gather) -> domain.unmap(3 * page, page, gather),
                        (domain, gather) -> domain.unmap(mid, mid, gather),
                        (domain, gather) -> domain.unmap(mid, 2 * mid, gather),
                        (domain, gather) -> domain.unmap(0, mid, gather),
                        (domain, gather) -> domain.unmap(mid + page, page, gather),
                        (domain, gather) -> domain.unmap(mid - page, 2 * page, gather),
                        (domain, gather) -> domain.cut(mid + page, page, gather),
                        (domain, gather) -> domain.split(mid, mid, page, gather),
                        (domain, gather) -> domain.map(0, OUT, page, Access.READ, gather),
                        (domain, gather) -> domain.unmap(large - mid, 2 * mid, gather));
        for (int i = 0; i < changes.size(); i++) {
            TestDomain domain = TestDomain.on(format).open();
            domain.map(0, OUT, 2 * large, Access.READ);
            IotlbGather first = domain.gather();
            IotlbGather second = domain.gather();
            domain.unmap(0, page, first);
            changes.get(i).accept(domain, second);
            assertThat(second.isEmpty()).as("change %s", i).isFalse();
            requireCovers(second, 0, large, true);
            domain.sync(second).await();
            domain.sync(first).await();
            domain.closeAndCheck();
        }
    }

    /** However many splits wait for their invalidation, none is forgotten. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_o_everyOneOfManySplitsIsPending(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long leaves = Math.min(3000, (1L << format.addressWidth()) / mid);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT + mid, leaves * mid, Access.READ);
        IotlbGather splitting = domain.gather();
        IotlbGather other = domain.gather();
        for (long leaf = 0; leaf < leaves; leaf += 2) {
            domain.unmap(leaf * mid, page, splitting);
        }
        for (long leaf = 0; leaf < leaves; leaf += 2) {
            domain.unmap(leaf * mid + page, page, other);
            requireCovers(other, leaf * mid, mid, true);
            other.moveTo(splitting);
        }
        domain.sync(splitting).await();
        domain.unmap(2 * page, page, other);
        requireCovers(other, 2 * page, page, false);
        domain.sync(other).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M8_mapInsideAPendingSpanCompletesItsInvalidationFirst(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long size = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, size, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(page, page, gather);
        domain.map(page, OUT + 4 * page, page, Access.READ);
        requireFlushed(domain, 1, 0, size, true);
        assertThat(domain.pending()).isZero();

        domain.unmap(page, page, gather);
        IotlbGather mapping = domain.gather();
        domain.unmap(2 * page, page, mapping);
        domain.sync(gather).await();
        domain.sync(mapping).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M8_mapInsideAPendingSpanWidensTheGatherItIsGiven(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long size = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, size, Access.READ);
        IotlbGather unmapping = domain.gather();
        IotlbGather mapping = domain.gather();
        domain.unmap(page, page, unmapping);
        domain.map(page, OUT, page, Access.READ, mapping);
        requireCovers(mapping, 0, size, true);
        domain.sync(mapping).await();
        domain.sync(unmapping).await();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void M8_mapWhereNothingIsPendingInvalidatesNothing(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        IotlbGather gather = domain.gather();
        domain.map(0, OUT, 2L << format.shift(2), Access.READ, gather);
        assertThat(gather.isEmpty()).isTrue();
        domain.map(2L << format.shift(2), OUT, 1L << format.shift(0), Access.READ);
        assertThat(domain.flushes()).isEmpty();
        domain.closeAndCheck();
    }

    private static void requireCovers(
            IotlbGather gather, long iova, long size, boolean structureChanged) {
        assertThat(TestDomain.Flush.of(gather).covers(iova, size))
                .as("%s covers 0x%x+0x%x", gather, iova, size)
                .isTrue();
        assertThat(gather.structureChanged())
                .as("structure of %s", gather)
                .isEqualTo(structureChanged);
    }

    private static void requireFlushed(
            TestDomain domain, int flushes, long iova, long size, boolean structureChanged) {
        assertThat(domain.flushes()).hasSize(flushes);
        TestDomain.Flush last = domain.flushes().getLast();
        assertThat(last.covers(iova, size)).as("%s covers 0x%x+0x%x", last, iova, size).isTrue();
        assertThat(last.structureChanged()).as("%s", last).isEqualTo(structureChanged);
    }
}
