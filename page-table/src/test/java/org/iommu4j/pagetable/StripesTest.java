package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.api.Test;

/**
 * What a domain notes by stripes of addresses, or by threads, is as if it noted it in one place.
 */
class StripesTest {

    private static final long PAGE = 0x1000;
    private static final long LARGE = 1L << 21;
    private static final long HUGE = 1L << 30;
    private static final int STRIPES = 16;
    private static final long SEED = 20261124;

    private final TestDomain domain =
            TestDomain.on(TestFormats.secondStage(4)).emptyTables(0).pages(4000).open();
    private final IotlbGather first = domain.gather();
    private final IotlbGather second = domain.gather();

    @Test
    void G2_o_aChangeAcrossManyStripesIsPendingInEachOfThem() {
        long gigabytes = STRIPES + 5;
        for (long i = 0; i < gigabytes; i++) {
            domain.map(i * HUGE, 0, LARGE, Access.READ_WRITE);
        }
        domain.unmap(0, gigabytes * HUGE, first);
        for (long i = 0; i < gigabytes; i++) {
            domain.map(i * HUGE, 0, PAGE, Access.READ_WRITE, second);
            assertThat(second.structureChanged()).as("map in GiB %d", i).isTrue();
            assertThat(second.covers(0, gigabytes * HUGE)).as("map in GiB %d", i).isTrue();
            second.moveTo(first);
        }
        domain.sync(first).await();
        for (long i = 0; i < gigabytes; i++) {
            domain.map(i * HUGE + LARGE, 0, PAGE, Access.READ_WRITE, second);
            assertThat(second.isEmpty()).as("map in GiB %d", i).isTrue();
        }
        domain.closeAndCheck();
    }

    @Test
    void G2_o_theSyncOfOneStripeEndsNothingInAnother() {
        for (int i = 0; i < STRIPES; i++) {
            domain.map(i * HUGE, 0, 2 * LARGE, Access.READ_WRITE);
        }
        List<IotlbGather> gathers = new ArrayList<>();
        for (int i = 0; i < STRIPES; i++) {
            gathers.add(domain.gather());
            for (int changes = 0; changes <= i; changes++) { // the stripes count differently far
                domain.unmap(i * HUGE + changes * PAGE, PAGE, gathers.get(i));
            }
            domain.unmap(i * HUGE + LARGE, PAGE, gathers.get(i));
        }
        for (int i = STRIPES - 1; i >= 0; i--) {
            domain.sync(gathers.get(i)).await();
            for (int j = 0; j < STRIPES; j++) {
                domain.unmap(j * HUGE + LARGE + (i + 1) * PAGE, PAGE, second);
                assertThat(second.structureChanged()).as("%d after %d", j, i).isEqualTo(j < i);
                second.moveTo(j < i ? gathers.get(j) : first);
            }
            domain.sync(first).await();
        }
        domain.closeAndCheck();
    }

    /** A batch ends what both of its gathers came after, each in its stripe, and no more. */
    @Test
    void G3_aBatchOfTwoStripesEndsNoLaterChange() {
        TestDomain waiting = TestDomain.on(TestFormats.secondStage(4)).manual().open();
        waiting.map(0, 0, LARGE, Access.READ_WRITE);
        waiting.map(HUGE, 0, 8 * LARGE, Access.READ_WRITE);
        IotlbGather batch = waiting.gather();
        IotlbGather late = waiting.gather();
        for (int i = 0; i < 8; i++) {
            waiting.unmap(HUGE + i * LARGE, PAGE, batch);
        }
        IotlbGather other = waiting.gather();
        waiting.unmap(0, PAGE, other);
        other.moveTo(batch);
        waiting.sync(batch);
        waiting.unmap(PAGE, PAGE, late); // in the stripe that has counted fewer changes
        assertThat(late.structureChanged()).isTrue();
        waiting.split(HUGE + 7 * LARGE, LARGE, PAGE, late);
        waiting.unmap(HUGE + 8 * LARGE - PAGE, PAGE, late);
        waiting.completeAll();
        waiting.unmap(2 * PAGE, PAGE, other);
        assertThat(other.structureChanged()).isFalse();
        waiting.sync(other);
        waiting.sync(late);
        waiting.completeAll();
        waiting.closeAndCheck();
    }

    @Test
    void thePeakIsExactWhoeverLinksTablesAndWhoeverFreesThem() throws Exception {
        System.out.println("seed " + SEED);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        List<ExecutorService> threads = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            threads.add(Executors.newSingleThreadExecutor());
        }
        boolean[] mapped = new boolean[600];
        long most = domain.statistics().tablePages();
        try {
            for (int step = 0; step < 20_000; step++) {
                int slot = random.nextInt(step < 10_000 ? 60 : mapped.length);
                long iova = slot * (HUGE / 64);
                boolean there = mapped[slot];
                threads.get(random.nextInt(threads.size()))
                        .submit(() -> {
                            if (there) {
                                domain.unmap(iova, PAGE);
                            } else {
                                domain.map(iova, 0, PAGE, Access.READ_WRITE);
                            }
                        })
                        .get();
                mapped[slot] = !there;
                most = Math.max(most, domain.statistics().tablePages());
                if (step % 97 == 0) {
                    assertThat(domain.statistics().peakTablePages()).isEqualTo(most);
                }
            }
        } finally {
            threads.forEach(ExecutorService::shutdownNow);
        }
        assertThat(domain.statistics().peakTablePages()).isEqualTo(most);
        domain.closeAndCheck();
    }
}
