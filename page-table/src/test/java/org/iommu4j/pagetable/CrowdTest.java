package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.api.Test;

/** More threads in the middle of a call than there are workspaces that stay. */
class CrowdTest {

    private static final int THREADS = 3 * Workspaces.HOMES;
    private static final int ROUNDS = 5;
    private static final long TABLE = 1L << 21;
    private static final long PAGE = 0x1000;

    @Test
    void T2_statisticsAreExactAfterACrowd() throws Exception {
        TestDomain domain =
                TestDomain.on(TestFormats.secondStage(4)).emptyTables(0).pages(400).open();
        domain.map(THREADS * TABLE, 0, PAGE, Access.READ_WRITE); // the tables above stay
        CyclicBarrier inside = new CyclicBarrier(THREADS);
        ThreadLocal<Boolean> meets = ThreadLocal.withInitial(() -> false);
        domain.allocator()
                .beforeEachCall(() -> {
                    if (meets.get()) { // with a workspace in its hands
                        meets.set(false);
                        await(inside);
                    }
                });
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<?>> calls = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                long iova = i * TABLE;
                calls.add(threads.submit(() -> comeAndGo(domain, iova, meets)));
            }
            for (Future<?> call : calls) {
                call.get();
            }
        } finally {
            threads.shutdownNow();
        }
        domain.allocator().beforeEachCall(() -> {});
        assertThat(domain.statistics().tablePages()).isEqualTo(4 + THREADS);
        assertThat(domain.statistics().peakTablePages()).isEqualTo(4 + THREADS);
        assertThat(domain.statistics().splits()).isEqualTo(ROUNDS * THREADS);
        domain.close();
        assertThat(domain.allocator().taken()).isZero();
    }

    private static void comeAndGo(TestDomain domain, long iova, ThreadLocal<Boolean> meets) {
        for (int round = 0; round < ROUNDS; round++) {
            domain.unmap(iova, TABLE);
            meets.set(true);
            domain.map(iova, 0, PAGE, Access.READ_WRITE);
            domain.unmap(iova, PAGE);
            domain.map(iova, 0, TABLE, Access.READ_WRITE);
            meets.set(true);
            try (IotlbGather gather = domain.gather()) {
                domain.split(iova, PAGE, PAGE, gather);
            }
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError("not all threads came", e);
        }
    }
}
