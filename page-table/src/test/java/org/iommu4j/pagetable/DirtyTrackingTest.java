package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** D1 to D4 in one thread: what is reported, once, at which size, and what the gather takes. */
class DirtyTrackingTest {

    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;
    private static final long HUGE = 0x4000_0000;
    private static final PageTableFormat FORMAT = TestFormats.secondStage(4);
    private static final DirtyOptions PAGES = new DirtyOptions(SMALL, false);
    private static final DirtyOptions LAZILY = new DirtyOptions(SMALL, true);

    private final TestDomain domain = TestDomain.on(FORMAT).observed().open();
    private final IotlbGather gather = domain.gather();

    private static void write(TestDomain to, long... iovas) {
        WritingDevice device = new WritingDevice(to.format(), to.memory(), to.root(), false);
        for (long iova : iovas) {
            assertThat(device.write(iova)).as("write to 0x%x", iova).isTrue();
        }
    }

    private List<TestDomain.Span> report(DirtyTracking tracking, long iova, long size) {
        List<TestDomain.Span> found = new ArrayList<>();
        tracking.readAndClear(
                iova,
                size,
                (start, bytes) -> found.add(new TestDomain.Span(start, start + bytes)),
                gather);
        return found;
    }

    private static TestDomain.Span span(long start, long size) {
        return new TestDomain.Span(start, start + size);
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void D1_eachWriteIsReportedOnceAndOnlyIt(PageTableFormat format) {
        long small = 1L << format.shift(0);
        long large = 1L << format.shift(1);
        long huge = 1L << format.shift(2);
        TestDomain tracked = TestDomain.on(format).open();
        tracked.map(0, 0, huge + large, Access.READ_WRITE);
        write(tracked, 0, large);
        DirtyTracking tracking = tracked.trackDirty(new DirtyOptions(small, false));
        IotlbGather rounds = tracked.gather();
        List<TestDomain.Span> found = new ArrayList<>();
        long all = 1L << format.addressWidth();
        for (int round = 0; round < 2; round++) {
            tracking.readAndClear(0, all, (iova, size) -> found.add(span(iova, size)), rounds);
            assertThat(found).isEmpty();
            write(tracked, small, huge - small, huge, huge + small, huge + large - small);
            tracking.peek(0, all, (iova, size) -> found.add(span(iova, size)));
            assertThat(found)
                    .containsExactly(
                            span(small, small),
                            span(huge - small, 3 * small),
                            span(huge + large - small, small));
            found.clear();
            tracking.readAndClear(huge, large, (at, size) -> found.add(span(at, size)), rounds);
            assertThat(found)
                    .containsExactly(span(huge, 2 * small), span(huge + large - small, small));
            tracking.readAndClear(0, all, (at, size) -> found.add(span(at, size)), rounds);
            assertThat(found.subList(2, 4))
                    .containsExactly(span(small, small), span(huge - small, small));
            found.clear();
            tracked.sync(rounds).await();
        }
        tracking.close();
        assertThat(tracked.keepsDirtyBits()).isFalse();
        tracked.closeAndCheck();
    }

    /** Hardware that sets A between the engine's load and its exchange does not lose it. */
    @Test
    void S4_clearingKeepsWhatHardwareSetsMeanwhile() {
        domain.map(0, 0, SMALL, Access.READ_WRITE.withSoftware(5));
        DirtyTracking tracking = domain.trackDirty(PAGES);
        HardwareWalk walk = new HardwareWalk(FORMAT, domain.memory());
        walk.to(domain.root(), 0);
        long slot = walk.entryAddress();
        long before = walk.entry();
        domain.memory().storeRelease(slot, before | FORMAT.dirtyMask());
        domain.observe(
                new MemoryObserver() {
                    @Override
                    public void beforeExchange(long address, long expected, long value) {
                        domain.observeNothing();
                        long used = before | FORMAT.dirtyMask() | FORMAT.accessedMask();
                        domain.memory().storeRelease(slot, used);
                    }
                });
        assertThat(report(tracking, 0, SMALL)).containsExactly(span(0, SMALL));
        assertThat(domain.memory().loadAcquire(slot)).isEqualTo(before | FORMAT.accessedMask());
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void D2_leavesAreSplitToTheGranularityAtTheStartAndMapsKeepToIt() {
        domain.map(0, 0, HUGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(new DirtyOptions(LARGE, false));
        assertThat(domain.statistics().leaves()).containsEntry(LARGE, 512L).containsEntry(HUGE, 0L);
        domain.map(HUGE, HUGE, 2 * HUGE, Access.READ_WRITE);
        domain.map(4 * HUGE, 4 * HUGE, HUGE, Access.READ_WRITE);
        assertThat(domain.statistics().leaves())
                .containsEntry(LARGE, 4 * 512L)
                .containsEntry(HUGE, 0L);
        write(domain, 4 * HUGE + 5 * LARGE + SMALL);
        assertThat(report(tracking, 0, 8 * HUGE))
                .containsExactly(span(4 * HUGE + 5 * LARGE, LARGE));
        assertThat(domain.coalesce(0, HUGE, gather)).as("not beyond the granularity").isZero();
        domain.sync(gather).await();
        tracking.close();
        domain.map(5 * HUGE, 5 * HUGE, HUGE, Access.READ_WRITE);
        assertThat(domain.coalesce(0, 5 * HUGE, gather)).isEqualTo(4 * 512);
        assertThat(domain.statistics().leaves()).containsEntry(HUGE, 5L);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @Test
    void D2_lazilyALeafIsReportedWholeOnceAndSplit() {
        domain.map(0, 0, 3 * LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(LAZILY);
        assertThat(domain.statistics().splits()).isZero();
        write(domain, LARGE + SMALL);
        assertThat(report(tracking, 0, HUGE)).containsExactly(span(LARGE, LARGE));
        assertThat(domain.statistics().splits()).isEqualTo(1);
        assertThat(gather.structureChanged()).isTrue();
        assertThat(TestDomain.Flush.of(gather).covers(LARGE, LARGE)).isTrue();
        domain.sync(gather).await();
        assertThat(report(tracking, 0, HUGE)).isEmpty();
        write(domain, LARGE + SMALL, 0);
        assertThat(report(tracking, SMALL, 2 * LARGE))
                .as("from the second page on, of what was a leaf")
                .containsExactly(span(SMALL, LARGE - SMALL), span(LARGE + SMALL, SMALL));
        assertThat(report(tracking, 0, SMALL)).containsExactly(span(0, SMALL));
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void D2_aLeafThatCannotBeSplitIsReportedWhole() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(LAZILY);
        domain.allocator().leave(0);
        for (int round = 0; round < 2; round++) {
            write(domain, SMALL);
            assertThat(report(tracking, 0, HUGE)).containsExactly(span(0, LARGE));
            assertThat(report(tracking, 0, HUGE)).isEmpty();
            domain.sync(gather).await();
        }
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void S6_aStartThatFailsTracksNothingAndLeavesEveryPageMapped() {
        domain.map(0, 0, 4 * LARGE, Access.READ_WRITE);
        domain.allocator().leave(2);
        assertThatThrownBy(() -> domain.trackDirty(PAGES))
                .isInstanceOf(TableMemoryExhaustedException.class);
        assertThat(domain.keepsDirtyBits()).isFalse();
        assertThat(domain.statistics().mappedBytes()).isEqualTo(4 * LARGE);
        domain.unmap(0, 2 * LARGE);
        domain.trackDirty(PAGES).close();
        domain.closeAndCheck();
    }

    @Test
    void D3_whatWasClearedIsInTheGather() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(PAGES);
        write(domain, 3 * SMALL, 9 * SMALL);
        report(tracking, 0, LARGE);
        assertThat(TestDomain.Flush.of(gather).covers(3 * SMALL, 7 * SMALL)).isTrue();
        assertThat(gather.smallestPage()).isEqualTo(SMALL);
        assertThat(gather.structureChanged()).isFalse();
        domain.sync(gather).await();
        report(tracking, 0, LARGE);
        assertThat(gather.isEmpty()).as("nothing is dirty, nothing to forget").isTrue();
        tracking.peek(0, LARGE, (iova, size) -> {});
        tracking.close();
        domain.closeAndCheck();
    }

    /** Hardware that caches D=1 writes unseen until the sync, and sets the bit again after it. */
    @Test
    void D3_aCachedDirtyLeafIsForgottenBySync() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(PAGES);
        WritingDevice device = new WritingDevice(FORMAT, domain.memory(), domain.root(), true);
        device.write(SMALL);
        assertThat(report(tracking, 0, LARGE)).containsExactly(span(SMALL, SMALL));
        device.write(SMALL);
        tracking.peek(0, LARGE, (iova, size) -> assertThat(iova).as("unseen").isNegative());
        device.invalidate(gather);
        domain.sync(gather).await();
        device.write(SMALL);
        assertThat(report(tracking, 0, LARGE)).containsExactly(span(SMALL, SMALL));
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    /** Hardware may still hold D=1 where a report that was never synced has cleared it. */
    @Test
    void D1_aTrackingBeginsWithNothingCached() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking first = domain.trackDirty(PAGES);
        write(domain, SMALL);
        report(first, 0, LARGE);
        first.close();
        domain.flushes().clear();
        domain.trackDirty(PAGES).close();
        assertThat(domain.flushes()).hasSize(1);
        assertThat(domain.flushes().getFirst().covers(0, 1L << 48)).isTrue();
        assertThat(domain.flushes().getFirst().structureChanged()).isTrue();
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @Test
    void G2_clearingInAPendingSpanCoversAllOfIt() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(new DirtyOptions(LARGE, false));
        write(domain, 0);
        IotlbGather other = domain.gather();
        domain.split(0, LARGE, SMALL, other);
        assertThat(report(tracking, SMALL, SMALL)).containsExactly(span(SMALL, SMALL));
        assertThat(TestDomain.Flush.of(gather).covers(0, LARGE)).isTrue();
        assertThat(gather.structureChanged()).isTrue();
        domain.sync(gather).await();
        domain.sync(other).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @EnumSource(PartialUnmap.class)
    void D4_whatWasDirtyWhenItWasUnmappedIsReported(PartialUnmap mode) {
        TestDomain tracked = TestDomain.on(FORMAT).partialUnmap(mode).open();
        tracked.map(0, 0, 4 * LARGE, Access.READ_WRITE);
        tracked.map(HUGE, HUGE, HUGE, Access.READ_WRITE);
        DirtyTracking tracking = tracked.trackDirty(LAZILY);
        IotlbGather rounds = tracked.gather();
        write(tracked, 0, 2 * LARGE, HUGE);
        tracked.unmap(0, LARGE, rounds);
        tracked.unmap(LARGE, LARGE, rounds);
        if (mode == PartialUnmap.SPLIT) {
            tracked.unmap(2 * LARGE + SMALL, 3 * SMALL, rounds);
        } else {
            tracked.unmap(2 * LARGE, LARGE, rounds);
        }
        tracked.unmap(HUGE, HUGE, rounds);
        List<TestDomain.Span> found = new ArrayList<>();
        tracking.peek(0, 2 * HUGE, (iova, size) -> found.add(span(iova, size)));
        List<TestDomain.Span> again = new ArrayList<>();
        tracking.readAndClear(0, 2 * HUGE, (iova, size) -> again.add(span(iova, size)), rounds);
        assertThat(again).isEqualTo(found).contains(span(0, LARGE), span(HUGE, HUGE));
        if (mode == PartialUnmap.SPLIT) {
            assertThat(again)
                    .contains(span(2 * LARGE, SMALL), span(2 * LARGE + SMALL, 3 * SMALL))
                    .contains(span(2 * LARGE + 4 * SMALL, LARGE - 4 * SMALL));
        } else {
            assertThat(again).contains(span(2 * LARGE, LARGE));
        }
        tracking.readAndClear(
                0, 2 * HUGE, (iova, size) -> assertThat(iova).as("twice").isNegative(), rounds);
        tracked.sync(rounds).await();
        tracking.close();
        tracked.closeAndCheck();
    }

    /** Whole tables go with one store; the bits in them are not lost, nor set any more. */
    @Test
    void D4_tablesThatGoWholeAreLookedInto() {
        domain.map(0, 0, HUGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(PAGES);
        WritingDevice device = new WritingDevice(FORMAT, domain.memory(), domain.root(), true);
        device.write(7 * LARGE);
        domain.sync(gather);
        domain.unmap(0, HUGE, gather);
        assertThat(device.write(7 * LARGE)).as("as a dirty leaf it has cached").isTrue();
        assertThat(device.write(7 * LARGE + SMALL)).as("by way of the old table").isFalse();
        assertThat(report(tracking, 7 * LARGE + SMALL, LARGE)).isEmpty();
        assertThat(report(tracking, 0, HUGE)).containsExactly(span(7 * LARGE, SMALL));
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void D4_whatAFailingSinkWasNotGivenIsReportedAgain() {
        domain.map(0, 0, 2 * LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(PAGES);
        write(domain, 0, 2 * SMALL, LARGE, LARGE + 2 * SMALL);
        assertThatThrownBy(() ->
                        tracking.readAndClear(
                                0,
                                HUGE,
                                (iova, size) -> {
                                    if (iova > 0) {
                                        throw new IllegalStateException("full");
                                    }
                                },
                                gather))
                .hasMessage("full");
        assertThat(report(tracking, 0, HUGE))
                .contains(
                        span(2 * SMALL, SMALL), span(LARGE, SMALL), span(LARGE + 2 * SMALL, SMALL));
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void theSinkMayCallTheDomain() {
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(PAGES);
        write(domain, 0, 2 * SMALL);
        List<Long> found = new ArrayList<>();
        tracking.readAndClear(
                0,
                LARGE,
                (iova, size) -> {
                    found.add(iova);
                    domain.unmap(iova, size);
                    tracking.readAndClear(0, LARGE, (at, bytes) -> found.add(at), gather);
                },
                gather);
        assertThat(found).containsExactly(0L, 2 * SMALL);
        domain.sync(gather).await();
        tracking.close();
        domain.closeAndCheck();
    }

    @Test
    void coalesceOnStop_bringsLargeLeavesBack() {
        domain.map(0, 0, HUGE, Access.READ_WRITE);
        long least = domain.statistics().tablePages();
        domain.trackDirty(new DirtyOptions(SMALL, false, true)).close();
        assertThat(domain.statistics().leaves()).containsEntry(HUGE, 1L);
        assertThat(domain.statistics().tablePages()).isEqualTo(least);
        domain.closeAndCheck();
    }

    @Test
    void oneAtATimeAndNoneAfterTheEnd() {
        DirtyTracking tracking = domain.trackDirty(PAGES);
        assertThat(domain.keepsDirtyBits()).isTrue();
        assertThatThrownBy(() -> domain.trackDirty(PAGES))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("tracked");
        tracking.close();
        tracking.close();
        assertThatThrownBy(() -> report(tracking, 0, SMALL))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("ended");
        DirtyTracking second = domain.trackDirty(PAGES);
        assertThatThrownBy(() ->
                        second.readAndClear(
                                0,
                                SMALL,
                                (iova, size) -> {},
                                TestDomain.on(FORMAT).open().gather()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> report(second, 1, SMALL))
                .isInstanceOf(IllegalArgumentException.class);
        domain.closeAndCheck();
        assertThatThrownBy(() -> second.peek(0, SMALL, (iova, size) -> {}))
                .isInstanceOf(IllegalStateException.class);
        second.close();
    }

    @Test
    void whatCannotBeTrackedIsRefused() {
        assertThatThrownBy(() -> domain.trackDirty(new DirtyOptions(LARGE * 2, false)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0x40201000");
        DomainOptions pagesOnly = DomainOptions.defaults().withPageSizes(SMALL);
        TestDomain small = TestDomain.on(FORMAT).options(pagesOnly).open();
        assertThatThrownBy(() -> small.trackDirty(new DirtyOptions(LARGE, false)))
                .isInstanceOf(IllegalArgumentException.class);
        PageTable table = small.engine();
        PageTableDomain plain = new PlainDomain(table);
        assertThatThrownBy(() -> plain.trackDirty(PAGES))
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(Feature.DIRTY_TRACKING));
        small.trackDirty(PAGES).close();
        small.closeAndCheck();
        domain.closeAndCheck();
    }
}
