package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;

/** Reports at the edges of a tracking: under way when it ends, failing, tried again. */
class DirtyEdgeTest {

    private static final PageTableFormat FORMAT = TestFormats.secondStage(4);
    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;
    private static final long HUGE = 0x4000_0000;
    private static final DirtyOptions PAGES = new DirtyOptions(SMALL, false);

    private final TestDomain domain = TestDomain.on(FORMAT).open();

    private void write(long... addresses) {
        HardwareWalk walk = new HardwareWalk(FORMAT, domain.memory());
        for (long iova : addresses) {
            walk.to(domain.root(), iova);
            domain.memory().storeRelease(walk.entryAddress(), walk.entry() | FORMAT.dirtyMask());
        }
    }

    private static List<Long> report(DirtyTracking tracking, IotlbGather gather) {
        List<Long> found = new ArrayList<>();
        tracking.readAndClear(0, HUGE, (iova, size) -> found.add(iova), gather);
        return found;
    }

    /** A report that is under way takes nothing that the next tracking has to report. */
    @Test
    void D1_aReportOfATrackingThatEndedTakesNothingOfTheNext() {
        domain.map(0, 0, 4 * LARGE, Access.READ_WRITE);
        DirtyTracking first = domain.trackDirty(PAGES);
        write(0, LARGE, 2 * LARGE);
        List<DirtyTracking> next = new ArrayList<>();
        IotlbGather gather = domain.gather();
        assertThatThrownBy(() ->
                        first.readAndClear(
                                0,
                                HUGE,
                                (iova, size) -> {
                                    if (next.isEmpty()) {
                                        first.close();
                                        next.add(domain.trackDirty(PAGES));
                                        write(2 * LARGE, 3 * LARGE);
                                    }
                                },
                                gather))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("ended");
        assertThat(report(next.getFirst(), gather)).contains(2 * LARGE, 3 * LARGE);
        domain.sync(gather).await();
        next.getFirst().close();
        domain.closeAndCheck();
    }

    /** Nor does it take what is unmapped in the next one. */
    @Test
    void D4_aReportOfATrackingThatEndedTakesNothingThatIsUnmappedInTheNext() {
        domain.map(0, 0, 2 * LARGE, Access.READ_WRITE);
        DirtyTracking first = domain.trackDirty(PAGES);
        write(0, LARGE);
        List<DirtyTracking> next = new ArrayList<>();
        IotlbGather gather = domain.gather();
        assertThatThrownBy(() ->
                        first.readAndClear(
                                0,
                                2 * LARGE,
                                (iova, size) -> {
                                    first.close();
                                    next.add(domain.trackDirty(PAGES));
                                    write(SMALL);
                                    domain.unmap(SMALL, SMALL);
                                },
                                gather))
                .isInstanceOf(IllegalStateException.class);
        assertThat(report(next.getFirst(), gather)).containsExactly(SMALL);
        domain.sync(gather).await();
        next.getFirst().close();
        domain.closeAndCheck();
    }

    /** Hardware may hold a leaf of 1 GiB that was removed and dirty, until it was told. */
    @Test
    void D1_whatAFailingSinkWasNotGivenIsForgottenAsTheLeafItWas() {
        domain.map(0, 0, HUGE, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(new DirtyOptions(SMALL, true));
        write(0);
        IotlbGather unmapped = domain.gather();
        domain.unmap(0, HUGE, unmapped);
        IotlbGather failed = domain.gather();
        assertThatThrownBy(() ->
                        tracking.readAndClear(
                                5 * LARGE,
                                LARGE,
                                (iova, size) -> {
                                    throw new IllegalStateException("full");
                                },
                                failed))
                .hasMessage("full");
        IotlbGather again = domain.gather();
        List<Long> found = new ArrayList<>();
        tracking.readAndClear(5 * LARGE, LARGE, (iova, size) -> found.add(iova), again);
        assertThat(found).containsExactly(5 * LARGE);
        assertThat(TestDomain.Flush.of(again).covers(0, HUGE)).isTrue();
        for (IotlbGather gather : List.of(again, failed, unmapped)) {
            domain.sync(gather).await();
        }
        tracking.close();
        domain.closeAndCheck();
    }
}
