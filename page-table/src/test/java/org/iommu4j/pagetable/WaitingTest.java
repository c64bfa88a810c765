package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** T3: while one thread waits for the unit, every other one goes on, on the very same range. */
class WaitingTest {

    private static final long LARGE = 1L << 21;
    private static final long SMALL = 1L << 12;
    private static final Duration SOON = Duration.ofSeconds(20);

    /** A domain whose unit does not answer until it is told to. */
    static final class SlowDomain extends PageTableDomain {

        private final boolean blocksInFlush;
        private final CountDownLatch waits = new CountDownLatch(1);
        private final CountDownLatch answer = new CountDownLatch(1);

        SlowDomain(PageTable table, boolean blocksInFlush) {
            super(table);
            this.blocksInFlush = blocksInFlush;
        }

        @Override
        protected FlushCompletion flush(IotlbGather gather) {
            IotlbGather batch = gather.sibling();
            gather.moveTo(batch);
            if (blocksInFlush) {
                await(batch);
                return FlushCompletion.DONE;
            }
            return new FlushCompletion() {
                @Override
                public boolean isDone() {
                    return batch.isEmpty();
                }

                @Override
                public void await() {
                    SlowDomain.this.await(batch);
                }

                @Override
                public void whenDone(Runnable action) {
                    action.run();
                }
            };
        }

        private void await(IotlbGather batch) {
            try {
                waits.countDown();
                answer.await();
                batch.completed();
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }

        @Override
        protected DomainStatistics.Invalidations invalidations() {
            return new DomainStatistics.Invalidations(0, 0, 0);
        }
    }

    static Stream<Named<BiConsumer<SlowDomain, IotlbGather>>> waits() {
        return Stream.of(
                Named.of(
                        "unmap of a part of a leaf",
                        (domain, gather) -> domain.unmap(SMALL, SMALL)),
                Named.of("unmap of a whole table", (domain, gather) -> domain.unmap(LARGE, LARGE)),
                Named.of(
                        "map where a change is pending",
                        (domain, gather) -> {
                            domain.unmap(LARGE, LARGE, gather);
                            domain.map(LARGE, LARGE, SMALL, Access.READ);
                        }),
                Named.of(
                        "trim",
                        (domain, gather) -> {
                            domain.unmap(LARGE, SMALL, gather);
                            domain.trim();
                        }),
                Named.of(
                        "sync",
                        (domain, gather) -> {
                            domain.split(0, LARGE, SMALL, gather);
                            domain.sync(gather).await();
                        }));
    }

    @ParameterizedTest
    @MethodSource("waits")
    void T3_othersGoOnWhileOneWaitsForItsCompletion(BiConsumer<SlowDomain, IotlbGather> wait)
            throws InterruptedException {
        othersGoOn(wait, false);
    }

    @ParameterizedTest
    @MethodSource("waits")
    void T3_othersGoOnWhileOneWaitsInThePolicy(BiConsumer<SlowDomain, IotlbGather> wait)
            throws InterruptedException {
        othersGoOn(wait, true);
    }

    private static void othersGoOn(BiConsumer<SlowDomain, IotlbGather> wait, boolean blocksInFlush)
            throws InterruptedException {
        PhysicalMemory memory = PhysicalMemory.allocate(1L << 20);
        TestAllocator allocator = new TestAllocator(memory);
        PageTable table =
                PageTable.create(
                        TestFormats.secondStage(4),
                        memory,
                        allocator,
                        new LineFlusher(memory, true),
                        Witness.NONE,
                        DomainOptions.defaults());
        SlowDomain domain = new SlowDomain(table, blocksInFlush);
        IotlbGather gather = domain.gather();
        domain.map(0, 0, LARGE, Access.READ_WRITE, gather);
        domain.map(LARGE, LARGE, SMALL, Access.READ_WRITE, gather);

        IotlbGather another = domain.gather();
        Thread waiting = new Thread(() -> wait.accept(domain, another), "waits");
        waiting.start();
        try {
            Assertions.assertTimeoutPreemptively(
                    SOON,
                    () -> {
                        domain.waits.await();
                        everything(domain, gather);
                    });
            assertThat(waiting.isAlive()).as("it still waits").isTrue();
        } finally {
            domain.answer.countDown();
        }
        assertThat(waiting.join(SOON)).as("it ends when the unit answers").isTrue();
        domain.sync(gather).await();
        domain.sync(another).await();
        domain.close();
        allocator.everythingReturned();
    }

    private static void everything(SlowDomain domain, IotlbGather gather) {
        domain.split(0, LARGE, SMALL, gather);
        domain.cut(SMALL, SMALL, gather);
        domain.unmap(0, 4 * SMALL, gather);
        domain.map(0, 0, 4 * SMALL, Access.READ, gather);
        assertThat(domain.tryMap(0, 0, LARGE, Access.READ, gather)).isFalse();
        assertThat(domain.translate(2 * SMALL)).isEqualTo(2 * SMALL);
        assertThat(domain.mappingAt(LARGE / 2)).isPresent();
        domain.mappings(0, 2 * LARGE, (iova, output, size, access) -> true);
        domain.unmap(0, 2 * LARGE, gather);
        domain.map(0, 0, 2 * LARGE, Access.READ, gather);
        assertThat(domain.unmap(0, 2 * LARGE, gather)).isEqualTo(2 * LARGE);
        domain.statistics();
    }
}
