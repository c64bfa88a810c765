package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two real threads on real formats. {@code -Diommu4j.long=true} lets them go on fifty times as
 * long; {@code -Diommu4j.seed=N} begins at another seed.
 */
class SoakTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_232);
    private static final int ROUNDS = LONG ? 1_000 : 20;
    private static final int CALLS_PER_ROUND = 1_500;
    private static final int CALLS_IN_THE_CROWD = LONG ? 5_000_000 : 100_000;
    private static final int THREADS = 2;

    static Stream<Arguments> domains() {
        return Stream.of(3, 4, 5)
                .map(TestFormats::secondStage)
                .flatMap(format -> Stream.of(0, 1, 64).map(empty -> Arguments.of(format, empty)));
    }

    @ParameterizedTest
    @MethodSource("domains")
    void T1_eachThreadFindsItsOwnPagesAsItLeftThem(PageTableFormat format, int emptyTables)
            throws Exception {
        TestDomain domain = open(format, emptyTables);
        CyclicBarrier barrier = new CyclicBarrier(THREADS);
        List<Neighbour> neighbours = new ArrayList<>();
        for (int thread = 0; thread < THREADS; thread++) {
            neighbours.add(new Neighbour(domain, thread, THREADS, SEED + thread));
        }
        together(thread -> {
            for (int round = 0; round < ROUNDS; round++) {
                neighbours.get(thread).begin(round);
                barrier.await();
                neighbours.get(thread).play(CALLS_PER_ROUND);
                neighbours.get(thread).leave();
                barrier.await();
            }
            neighbours.get(thread).sync();
        });
        assertThat(domain.statistics().mappedBytes()).isZero();
        domain.trim();
        assertThat(domain.statistics().tablePages()).as("only the root is left").isEqualTo(1);
        domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("domains")
    void T2_aCrowdLosesNoByte(PageTableFormat format, int emptyTables) throws Exception {
        crowd(open(format, emptyTables));
    }

    @ParameterizedTest
    @MethodSource("domains")
    void S6_aCrowdWithTooFewPagesLosesNoByte(PageTableFormat format, int emptyTables)
            throws Exception {
        TestDomain domain = open(format, emptyTables);
        domain.allocator().leave(9);
        crowd(domain);
    }

    /**
     * What was mapped less what was unmapped is what is mapped, when all may do everything
     * everywhere.
     */
    private static void crowd(TestDomain domain) throws Exception {
        AtomicLong mapped = new AtomicLong();
        together(thread -> {
            Passenger passenger = new Passenger(domain, SEED + thread);
            for (int call = 0; call < CALLS_IN_THE_CROWD; call++) {
                passenger.call();
            }
            domain.sync(passenger.gather).await();
            mapped.addAndGet(passenger.mapped);
        });
        assertThat(domain.statistics().mappedBytes()).isEqualTo(mapped.get());
        long[] seen = {0, 0};
        domain.mappings(
                0,
                Passenger.REACH,
                (iova, output, size, access) -> {
                    assertThat(iova).isGreaterThanOrEqualTo(seen[0]);
                    Passenger.requireOwn(iova, output);
                    HardwareWalk walk = new HardwareWalk(domain.format(), domain.memory());
                    assertThat(walk.to(domain.root(), iova)).isTrue();
                    assertThat(walk.output(iova)).isEqualTo(output);
                    seen[0] = iova + size;
                    seen[1] += size;
                    return true;
                });
        assertThat(seen[1]).isEqualTo(mapped.get());
        assertThat(domain.unmap(0, Passenger.REACH)).isEqualTo(mapped.get());
        domain.trim();
        assertThat(domain.statistics().tablePages()).as("only the root is left").isEqualTo(1);
        domain.closeAndCheck();
    }

    private static TestDomain open(PageTableFormat format, int emptyTables) {
        TestDomain domain =
                TestDomain.on(format)
                        .options(DomainOptions.defaults().withEmptyTables(emptyTables))
                        .pages(1 << 13)
                        .open();
        domain.stopRecording();
        return domain;
    }

    /** What one thread does. */
    @FunctionalInterface
    private interface Part {
        void play(int thread) throws Exception;
    }

    private static void together(Part part) throws Exception {
        List<Thread> threads = new ArrayList<>();
        List<Throwable> thrown = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int number = i;
            threads.add(
                    Thread.ofPlatform()
                            .name("soak " + i)
                            .start(() -> {
                                try {
                                    part.play(number);
                                } catch (Throwable e) {
                                    synchronized (thrown) {
                                        thrown.add(e);
                                    }
                                    threads.forEach(Thread::interrupt);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        if (!thrown.isEmpty()) {
            throw new AssertionError("with seed " + SEED, thrown.getFirst());
        }
    }

    /**
     * Somebody who maps, unmaps and splits anywhere, and knows only how many bytes came and went.
     */
    private static final class Passenger {

        static final long REACH = 3L << 30;
        private static final int GENERATION_SHIFT = 40;
        private static final int[] SHIFTS = {12, 12, 12, 12, 12, 16, 21, 21, 21, 30};

        private final TestDomain domain;
        private final SplittableRandom random;
        private final IotlbGather gather;
        private long mapped;

        Passenger(TestDomain domain, long seed) {
            this.domain = domain;
            this.random = new SplittableRandom(seed);
            this.gather = domain.gather();
        }

        void call() {
            int shift = SHIFTS[random.nextInt(SHIFTS.length)];
            long size = (1L + random.nextInt(3)) << shift;
            long iova = place(shift);
            size = Math.min(size, REACH - iova);
            try {
                call(random.nextInt(100), iova, size);
            } catch (TableMemoryExhaustedException e) {
                domain.sync(gather).await();
            }
        }

        /** Few places, so that the threads meet: in two blocks of 2 MiB at each end of each GiB. */
        private long place(int shift) {
            long gib = (long) random.nextInt(3) << 30;
            long block =
                    (random.nextBoolean() ? random.nextInt(2) : 510L + random.nextInt(2)) << 21;
            long page = (long) random.nextInt(512) << 12;
            return (gib | block | page) >>> shift << shift;
        }

        private void call(int percent, long iova, long size) {
            if (percent < 40) {
                long output = iova + (1L + random.nextInt(7) << GENERATION_SHIFT);
                mapped += domain.tryMap(iova, output, size, Access.READ_WRITE, gather) ? size : 0;
            } else if (percent < 70) {
                mapped -= domain.unmap(iova, size, gather);
            } else if (percent < 75) {
                domain.cut(iova, size, gather);
            } else if (percent < 78) {
                domain.split(iova, Math.min(size, 1L << 22), 1L << 12, gather);
            } else if (percent < 90) {
                long output = domain.translate(iova);
                if (output != TestDomain.NOT_MAPPED) {
                    requireOwn(iova, output);
                }
            } else if (percent < 94) {
                domain.mappings(
                        iova,
                        Math.min(size, 1L << 17),
                        (at, output, bytes, access) -> {
                            requireOwn(at, output);
                            return true;
                        });
            } else if (percent < 99) {
                domain.sync(gather).await();
            } else {
                domain.trim();
            }
        }

        /** Whoever mapped it, and when: it translates to itself in one of the generations. */
        static void requireOwn(long iova, long output) {
            long generation = output >>> GENERATION_SHIFT;
            if ((output & (1L << GENERATION_SHIFT) - 1) != iova
                    || generation < 1
                    || generation > 7) {
                throw new AssertionError(
                        "0x"
                                + Long.toHexString(iova)
                                + " translates to 0x"
                                + Long.toHexString(output));
            }
        }
    }
}
