package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The rules of group G as far as one thread sees them: what goes into a gather, and when its pages
 * come out.
 */
class GatherTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G1_noTableIsReusedBeforeItsInvalidationCompletes(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT + page, mid, Access.READ);
        domain.map(mid, OUT, page, Access.READ);
        int before = domain.allocator().taken();
        IotlbGather gather = domain.gather();
        domain.unmap(0, mid, gather);
        assertThat(gather.heldPages()).isEqualTo(1);
        assertThat(domain.allocator().taken()).isEqualTo(before);
        FlushCompletion completion = domain.sync(gather);
        assertThat(gather.isEmpty()).isTrue();
        assertThat(completion.isDone()).isFalse();
        assertThat(domain.allocator().taken()).isEqualTo(before);
        assertThat(domain.statistics().tablePages()).isEqualTo(before);
        domain.completeAll();
        assertThat(completion.isDone()).isTrue();
        assertThat(domain.allocator().taken()).isEqualTo(before - 1);
        assertThat(domain.statistics().tablePages()).isEqualTo(before - 1);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G2_theWholeOldLeafIsInvalidated(PageTableFormat format) {
        long page = 1L << format.shift(0);
        for (int level = 1; level <= 2; level++) {
            long size = 1L << format.shift(level);
            for (long hole : new long[] {0, page, size - page}) {
                TestDomain domain = TestDomain.on(format).open();
                domain.map(size, OUT, 2 * size, Access.READ);
                domain.unmap(size + hole, page);
                requireFlushed(domain, 1, size, size, true);
                domain.closeAndCheck();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G3_theStructureChangesExactlyWhenANonLeafEntryDoes(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        long large = 1L << format.shift(2);
        TestDomain domain = TestDomain.on(format).emptyTables(4).open();
        domain.map(0, OUT + page, mid, Access.READ);
        domain.map(mid, OUT, 2 * mid, Access.READ);
        domain.map(large, OUT, large, Access.READ);
        domain.unmap(0, 2 * page);
        requireFlushed(domain, 1, 0, 2 * page, false);
        domain.unmap(mid, mid);
        requireFlushed(domain, 2, mid, mid, false);
        assertThat(domain.flushes().getLast().smallestPage()).isEqualTo(mid);
        domain.unmap(2 * mid, page);
        requireFlushed(domain, 3, 2 * mid, mid, true);
        domain.unmap(0, mid);
        requireFlushed(domain, 4, 0, mid, true);
        domain.unmap(large, large);
        requireFlushed(domain, 5, large, large, false);
        domain.unmap(2 * mid, mid);
        requireFlushed(domain, 6, 2 * mid, mid, true);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G3_reclaimAndReplacementAreStructureChanges(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long mid = 1L << format.shift(1);
        TestDomain reclaiming = TestDomain.on(format).emptyTables(0).open();
        reclaiming.map(0, OUT, page, Access.READ);
        reclaiming.map(mid, OUT, page, Access.READ);
        reclaiming.unmap(0, page);
        requireFlushed(reclaiming, 1, 0, mid, true);
        reclaiming.closeAndCheck();

        TestDomain keeping = TestDomain.on(format).emptyTables(4).open();
        keeping.map(0, OUT, page, Access.READ);
        keeping.unmap(0, page);
        requireFlushed(keeping, 1, 0, page, false);
        keeping.map(0, OUT, mid, Access.READ);
        requireFlushed(keeping, 2, 0, mid, true);
        keeping.map(mid, OUT, page, Access.READ);
        keeping.unmap(mid, page);
        keeping.trim();
        requireFlushed(keeping, 4, mid, mid, true);
        keeping.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G4_disjointRangesAreAllCovered(PageTableFormat format) {
        long page = 1L << format.shift(0);
        long limit = 1L << format.addressWidth();
        TestDomain domain = TestDomain.on(format).emptyTables(64).open();
        IotlbGather gather = domain.gather();
        long step = limit / 8;
        for (long at = 0; at < limit; at += step) {
            domain.map(at + page, OUT, page, Access.READ);
        }
        for (long at = 0; at < limit; at += step) {
            domain.unmap(at + page, page, gather);
        }
        domain.sync(gather).await();
        for (long at = 0; at < limit; at += step) {
            assertThat(domain.flushes().getLast().covers(at + page, page)).isTrue();
        }
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G6_anotherDomainsGatherIsRefused(PageTableFormat format) {
        long page = 1L << format.shift(0);
        TestDomain domain = TestDomain.on(format).open();
        TestDomain other = TestDomain.on(format).open();
        domain.map(0, OUT, page, Access.READ);
        IotlbGather foreign = other.gather();
        Snapshot before = Snapshot.of(domain, foreign);
        List<ThrowingCallable> calls =
                List.of(
                        () -> domain.map(page, OUT, page, Access.READ, foreign),
                        () -> domain.tryMap(page, OUT, page, Access.READ, foreign),
                        () -> domain.unmap(0, page, foreign),
                        () -> domain.cut(0, page, foreign),
                        () -> domain.split(0, page, page, foreign),
                        () -> domain.sync(foreign));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(Snapshot.of(domain, foreign)).isEqualTo(before);
        domain.closeAndCheck();
        other.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void G6_aGatherSyncedTwiceLosesAndFreesNothingTwice(PageTableFormat format) {
        long page = 1L << format.shift(0);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, page, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(0, page, gather);
        FlushCompletion first = domain.sync(gather);
        FlushCompletion second = domain.sync(gather);
        second.await();
        first.await();
        gather.close();
        assertThat(domain.flushes()).hasSize(1);
        assertThat(domain.allocator().taken()).isEqualTo(1);
        domain.closeAndCheck();
    }

    private static void requireFlushed(
            TestDomain domain, int flushes, long iova, long size, boolean structureChanged) {
        assertThat(domain.flushes()).hasSize(flushes);
        TestDomain.Flush last = domain.flushes().getLast();
        assertThat(last.covers(iova, size)).as("%s covers 0x%x+0x%x", last, iova, size).isTrue();
        assertThat(last.structureChanged()).as("%s", last).isEqualTo(structureChanged);
    }
}
