package org.iommu4j.flush.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.Test;

/**
 * Threads hand over much faster than a slow unit forgets, and nobody waits for anything: all that
 * keeps the table pages from piling up is the policy's bound.
 */
class DeferredOverloadTest {

    private static final int THREADS = 8;
    private static final int SYNCS = 1000;
    private static final int PAGES_A_SYNC = 4;
    private static final long BOUND = 64;

    private final AtomicLong held = new AtomicLong();
    private final AtomicLong mostHeld = new AtomicLong();
    private final AtomicLong requests = new AtomicLong();

    @Test
    void G1_T2_whatWaitsStaysBoundedThoughTheUnitIsSlow() throws Exception {
        FlushPolicy deferred =
                Providers.choose(
                                FlushPolicyProvider.class,
                                "flush policy",
                                FlushPolicyProvider.providers(),
                                "deferred:count=1000000,bytes=256k,age=10s")
                        .create(
                                new FlushContext(
                                        slowUnit(),
                                        InstantSource.system(),
                                        Executors::newSingleThreadScheduledExecutor));
        List<Owner> owners = List.of(new Owner(), new Owner(), new Owner());
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                int number = t % owners.size();
                running.add(
                        threads.submit(() -> handOver(deferred, 1 + number, owners.get(number))));
            }
            for (Future<?> thread : running) {
                thread.get();
            }
        }
        deferred.close();
        assertThat(held.get()).as("table pages that never came back").isZero();
        assertThat(mostHeld.get())
                .as("twice the bound, and what each thread is about to hand over")
                .isBetween(BOUND, 2 * BOUND + 2 * THREADS * PAGES_A_SYNC);
        assertThat(requests.get()).as("batches").isLessThan(THREADS * SYNCS / 2);
    }

    private void handOver(FlushPolicy deferred, int id, Owner owner) {
        IotlbGather gather = new IotlbGather(owner);
        for (int i = 0; i < SYNCS; i++) {
            for (int page = 1; page <= PAGES_A_SYNC; page++) {
                gather.addTable(page * 4096L);
            }
            gather.addRange(i * 0x20_0000L, 0x20_0000, 0x1000);
            mostHeld.accumulateAndGet(held.addAndGet(PAGES_A_SYNC), Math::max);
            var ignored = deferred.sync(id, gather);
        }
    }

    /** Takes a tenth of a millisecond for whatever it is asked. */
    private IotlbInvalidator slowUnit() {
        return new IotlbInvalidator() {
            @Override
            public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
                throw new AssertionError("page by page, under overload");
            }

            @Override
            public long invalidateDomain(int domainId) {
                return requests.incrementAndGet();
            }

            @Override
            public long invalidateGlobal() {
                return requests.incrementAndGet();
            }

            @Override
            public int maxOrder() {
                return 18;
            }

            @Override
            public boolean isDone(long ticket) {
                return false;
            }

            @Override
            public void await(long ticket) {
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(100));
            }
        };
    }

    private final class Owner implements IotlbGather.Owner {

        @Override
        public FlushCompletion sync(IotlbGather gather) {
            throw new AssertionError("a policy must not sync");
        }

        @Override
        public void release(PageList pages) {
            held.addAndGet(-pages.size());
            pages.clear();
        }
    }
}
