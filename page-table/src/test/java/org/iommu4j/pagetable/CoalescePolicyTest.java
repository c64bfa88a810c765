package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.CoalescePolicy;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.junit.jupiter.api.Test;

/** When leaves are merged unasked, and how much at a time. */
class CoalescePolicyTest {

    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;
    private static final Duration QUIET = Duration.ofMillis(20);

    /** Keeps the task that a domain repeats, for the test to run. */
    private static final class HandCranked extends ScheduledThreadPoolExecutor {

        private Runnable task = () -> {};
        private long delayNanos;

        HandCranked() {
            super(0);
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(
                Runnable command, long initialDelay, long delay, TimeUnit unit) {
            task = command;
            delayNanos = unit.toNanos(delay);
            return super.schedule(command, 1, TimeUnit.DAYS);
        }
    }

    private static TestDomain.Setup with(CoalescePolicy policy) {
        return TestDomain.on(TestFormats.secondStage(4))
                .options(DomainOptions.defaults().withEmptyTables(0).withCoalesce(policy));
    }

    @Test
    void never_isRefusedByName() {
        TestDomain domain = with(CoalescePolicy.never()).open();
        assertThatThrownBy(() -> domain.coalesce(0, LARGE, domain.gather()))
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(Feature.COALESCE))
                .hasMessageContaining("never");
        domain.closeAndCheck();
    }

    @Test
    void onRequest_isUsual_andMergesNothingUnasked() {
        assertThat(DomainOptions.defaults().coalesce()).isEqualTo(CoalescePolicy.onRequest());
        TestDomain domain = with(CoalescePolicy.onRequest()).open();
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        domain.unmap(SMALL, SMALL);
        domain.map(SMALL, SMALL, SMALL, Access.READ_WRITE);
        assertThat(domain.statistics().coalesces()).isZero();
        try (IotlbGather gather = domain.gather()) {
            assertThat(domain.coalesce(0, LARGE, gather)).isEqualTo(512);
        }
        domain.closeAndCheck();
    }

    @Test
    void onMap_mergesWhatTheMapCompletes() {
        TestDomain domain = with(CoalescePolicy.onMap()).open();
        long huge = LARGE << 9;
        domain.map(0, 0, huge, Access.READ_WRITE);
        domain.unmap(LARGE + SMALL, 2 * SMALL);
        domain.map(LARGE + SMALL, LARGE + SMALL, SMALL, Access.READ_WRITE);
        assertThat(domain.statistics().coalesces()).isZero();
        domain.map(LARGE + 2 * SMALL, LARGE + 2 * SMALL, SMALL, Access.READ_WRITE);
        assertThat(domain.statistics().coalesces()).isEqualTo(2);
        assertThat(domain.statistics().leaves()).containsEntry(huge, 1L);
        IotlbGather gather = domain.gather();
        domain.unmap(huge - SMALL, SMALL, gather);
        domain.sync(gather).await();
        assertThat(domain.tryMap(huge - SMALL, huge - SMALL, SMALL, Access.READ_WRITE, gather))
                .isTrue();
        assertThat(gather.structureChanged()).isTrue();
        assertThat(gather.heldPages()).isEqualTo(2);
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    @Test
    void onMap_mergesAtBothEnds() {
        TestDomain domain = with(CoalescePolicy.onMap()).open();
        domain.map(0, 0, 2 * LARGE, Access.READ_WRITE);
        domain.unmap(LARGE - SMALL, 2 * SMALL);
        domain.map(LARGE - SMALL, LARGE - SMALL, 2 * SMALL, Access.READ_WRITE);
        assertThat(domain.statistics().leaves()).containsEntry(LARGE, 2L);
        domain.closeAndCheck();
    }

    @Test
    void inBackground_mergesInStepsWhileNothingChanges() {
        HandCranked scheduler = new HandCranked();
        TestDomain domain =
                with(CoalescePolicy.inBackground(QUIET).withStep(2)).scheduler(scheduler).open();
        for (int block = 0; block < 3; block++) {
            domain.map(block * LARGE, block * LARGE, LARGE, Access.READ_WRITE);
        }
        assertThat(scheduler.delayNanos).isEqualTo(QUIET.toNanos());
        try (IotlbGather gather = domain.gather()) {
            domain.split(0, 3 * LARGE, SMALL, gather);
        }
        scheduler.task.run();
        assertThat(domain.statistics().coalesces()).as("not quiet for long enough").isZero();
        scheduler.task.run();
        assertThat(domain.statistics().coalesces()).as("one step").isEqualTo(2);
        domain.unmap(2 * LARGE, SMALL);
        domain.map(2 * LARGE, 2 * LARGE, SMALL, Access.READ_WRITE);
        scheduler.task.run();
        assertThat(domain.statistics().coalesces()).as("the second").isEqualTo(3);
        assertThat(domain.statistics().leaves()).containsEntry(LARGE, 3L);
        domain.unmap(0, SMALL);
        scheduler.task.run();
        domain.map(0, 0, SMALL, Access.READ_WRITE);
        for (int i = 0; i < 1000 && domain.statistics().coalesces() < 4; i++) {
            scheduler.task.run();
        }
        assertThat(domain.statistics().coalesces()).as("round again").isEqualTo(4);
        domain.closeAndCheck();
        scheduler.task.run();
        assertThat(scheduler.getQueue())
                .allMatch(task -> ((ScheduledFuture<?>) task).isCancelled());
        scheduler.shutdownNow();
    }

    /** What a step has unlinked whose invalidation failed goes back when the domain is closed. */
    @Test
    void inBackground_aStepThatFailedLeaksNothing() {
        HandCranked scheduler = new HandCranked();
        PhysicalMemory memory = PhysicalMemory.allocate(64 * PhysicalMemory.PAGE_SIZE);
        TestAllocator allocator = new TestAllocator(memory);
        DomainOptions options =
                DomainOptions.defaults().withCoalesce(CoalescePolicy.inBackground(QUIET));
        boolean[] fails = new boolean[1];
        PageTableDomain domain =
                new PageTableDomain(
                        PageTable.create(
                                TestFormats.secondStage(4),
                                memory,
                                allocator,
                                new LineFlusher(memory, false),
                                Witness.NONE,
                                options),
                        false,
                        () -> scheduler) {
                    @Override
                    protected FlushCompletion flush(IotlbGather gather) {
                        if (fails[0]) {
                            throw new IommuException("the unit");
                        }
                        gather.completed();
                        return FlushCompletion.DONE;
                    }

                    @Override
                    protected DomainStatistics.Invalidations invalidations() {
                        return new DomainStatistics.Invalidations(0, 0, 0);
                    }
                };
        domain.map(0, 0, LARGE, Access.READ_WRITE);
        try (IotlbGather gather = domain.gather()) {
            domain.split(0, LARGE, SMALL, gather);
        }
        scheduler.task.run();
        fails[0] = true;
        scheduler.task.run();
        assertThat(domain.statistics().coalesces()).isEqualTo(1);
        fails[0] = false;
        domain.close();
        allocator.everythingReturned();
        scheduler.shutdownNow();
    }

    @Test
    void inBackground_isRefusedWithoutAThread() {
        TestDomain.Setup setup = with(CoalescePolicy.inBackground(QUIET));
        assertThatThrownBy(setup::open)
                .isInstanceOf(UnsupportedFeatureException.class)
                .hasMessageContaining("background");
    }

    @Test
    void boundsAreChecked() {
        assertThat(CoalescePolicy.inBackground(QUIET).step()).isEqualTo(CoalescePolicy.USUAL_STEP);
        assertThatThrownBy(() -> CoalescePolicy.inBackground(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT0S");
        assertThatThrownBy(() -> CoalescePolicy.inBackground(QUIET).withStep(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("step of 0");
        assertThatThrownBy(() -> CoalescePolicy.onMap().withStep(5))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
