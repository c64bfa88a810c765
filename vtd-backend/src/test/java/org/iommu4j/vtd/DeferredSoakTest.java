package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;

/**
 * {@code deferred} under eight threads: nothing is lost, what waits stays bounded, and everything
 * is back at close. Two seconds; ten with {@code -Diommu4j.long=true}.
 */
class DeferredSoakTest {

    private static final int THREADS = 8;
    private static final int SLOTS = 511;
    private static final long SLOT = 0x20_0000;
    private static final long BOUND_BYTES = 256 << 10;
    private static final String POLICY = "deferred:count=4096,bytes=256k,age=2ms";
    private static final long SECONDS = Boolean.getBoolean("iommu4j.long") ? 10 : 2;

    /** A slot is used again only when the sync of its last use has completed. */
    private static final class Slot {
        FlushCompletion completion = FlushCompletion.DONE;
    }

    private final List<TableAllocator> allocators = new ArrayList<>();
    private final AtomicLong syncs = new AtomicLong();
    private final AtomicLong announced = new AtomicLong();
    private final AtomicLong mostHeld = new AtomicLong();

    @Test
    void G1_G6_T2_nothingIsLostAndWhatWaitsIsBounded() throws Exception {
        IommuOptions options =
                IommuOptions.memoryOnly(64 << 20)
                        .with(FlushPolicyProvider.class, POLICY)
                        .with(TableAllocatorProvider.class, captured());
        long free;
        DomainOptions noSpareTables = DomainOptions.defaults().withEmptyTables(0);
        try (Iommu iommu = Iommu.open("vtd", options)) {
            free = allocators.getFirst().free();
            IommuDomain shared = iommu.createDomain(noSpareTables);
            IommuDomain other = iommu.createDomain(noSpareTables);
            try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
                List<Future<?>> running = new ArrayList<>();
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
                for (int t = 0; t < THREADS; t++) {
                    IommuDomain domain = t % 4 == 3 ? other : shared;
                    long base = (1L + t) << 32;
                    running.add(threads.submit(() -> use(domain, base, end)));
                }
                for (Future<?> thread : running) {
                    thread.get();
                }
            }
            for (IommuDomain domain : List.of(shared, other)) {
                assertThat(domain.statistics().mappedBytes()).isZero();
                domain.close();
            }
            assertThat(allocators.getFirst().free()).as("pages back at close").isEqualTo(free);
            assertThat(announced.get()).isEqualTo(syncs.get());
        }
        assertThat(syncs.get()).isGreaterThan(THREADS * 2);
        /* Twice the bound while others flush; and for each thread what it hands over then, and the tables it is at. */
        assertThat(mostHeld.get())
                .as("table pages of both domains at the most, with those that wait")
                .isLessThan(2 * BOUND_BYTES / 4096 + THREADS * 10);
    }

    private void use(IommuDomain domain, long base, long end) {
        IotlbGather gather = domain.gather();
        Slot[] slots = new Slot[SLOTS];
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot();
        }
        /* Keeps the table of the slots: as long as the removal of one is pending, every map in its GiB completes it. */
        long anchor = base + SLOTS * SLOT;
        domain.map(anchor, base, 0x1000, Access.READ);
        for (int i = 0; System.nanoTime() < end; i++) {
            Slot slot = slots[i % SLOTS];
            long iova = base + i % SLOTS * SLOT;
            if (!slot.completion.isDone()) {
                slot.completion.await();
            }
            domain.map(iova, base, SLOT, Access.READ_WRITE);
            domain.unmap(iova + 0x1000, 0x1000, gather);
            if (i % 4 == 0) {
                sync(domain, gather, slot);
            }
            domain.unmap(iova, SLOT, gather);
            sync(domain, gather, slot);
            if (i % 16 == 0) {
                mostHeld.accumulateAndGet(held(), Math::max);
            }
        }
        domain.unmap(anchor, 0x1000);
    }

    private long held() {
        TableAllocator slab = allocators.getFirst();
        return slab.capacity() - slab.free();
    }

    private void sync(IommuDomain domain, IotlbGather gather, Slot slot) {
        FlushCompletion completion = domain.sync(gather);
        syncs.incrementAndGet();
        completion.whenDone(announced::incrementAndGet);
        slot.completion = completion;
    }

    private TableAllocatorProvider captured() {
        TableAllocatorProvider slab =
                Providers.preferred("table allocator", TableAllocatorProvider.providers());
        return new TableAllocatorProvider() {
            @Override
            public String name() {
                return slab.name();
            }

            @Override
            public TableAllocator create(PhysicalMemory memory) {
                allocators.add(slab.create(memory));
                return allocators.getLast();
            }
        };
    }
}
