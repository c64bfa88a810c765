package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DMA, walks and invalidations at the same time. */
@Timeout(60)
class ConcurrencyTest {

    private static final long IOVA = 0x8040_3000L;
    private static final int DRAIN_WRITES = 1 << 6;

    private final AtomicReference<LongConsumer> step = new AtomicReference<>(_ -> {});

    private EmulatorOptions stepping() {
        return Rig.options().walkObserver(Rig.beforeLoad(address -> step.get().accept(address)));
    }

    @Test
    void aWalkThatAnInvalidationOvertakesBeginsAgain() {
        try (Rig rig = new Rig(stepping())) {
            long root = rig.attach(48);
            long leaf = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.memory.storeRelease(0x5000, 5);
            rig.memory.storeRelease(0x6000, 6);
            long other = rig.page();
            rig.map(other, 48, IOVA, 0x6000, Rig.KIB4, Rig.RW);
            AtomicBoolean done = new AtomicBoolean();
            step.set(address -> {
                if (address == leaf && !done.getAndSet(true)) {
                    /* The walk holds the way to the old leaf. */
                    rig.memory.storeRelease(
                            Rig.entry(root, IOVA, 3),
                            rig.memory.loadAcquire(Rig.entry(other, IOVA, 3)));
                    rig.invalidatePages(IOVA, 0, false);
                }
            });
            assertThat(rig.word(IOVA)).isEqualTo(6);
            assertThat(rig.word(IOVA)).isEqualTo(6);
            assertThat(done).isTrue();
        }
    }

    @Test
    void aWalkThatWouldFaultBeginsAgainToo() {
        try (Rig rig = new Rig(stepping())) {
            long root = rig.attach(48);
            long leaf = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            long table = leaf & -4096;
            AtomicBoolean done = new AtomicBoolean();
            step.set(address -> {
                if (address == leaf && !done.getAndSet(true)) {
                    /* The table is replaced by a copy, and then used for something else. */
                    long copy = rig.page();
                    rig.memory.storeRelease(Rig.entry(copy, IOVA, 0), rig.memory.loadAcquire(leaf));
                    long above = tableAbove(rig, root);
                    rig.memory.storeRelease(Rig.entry(above, IOVA, 1), copy | Rig.RW);
                    rig.invalidatePages(IOVA, 0, false);
                    rig.memory.fill(table, -1, 0, 512);
                }
            });
            rig.word(IOVA);
            assertThat(rig.registers.read32(Rig.FSTS)).isZero();
            assertThat(done).isTrue();
        }
    }

    @Test
    void whatAnInvalidationHasOvertakenFillsNoCache() {
        TranslationCaches caches =
                new TranslationCaches(
                        Rig.options(), Rig.views(PhysicalMemory.allocate(4096)), null, null);
        Context context = Context.of(8, SourceId.NO_PASID, Rig.DOMAIN, 0, 4, 48, Stage.LEGACY, 0);
        Translation page = new Translation().page(12, 0x5000, 3, true, 0, 0);
        Translation found = new Translation();
        TablePointer table = new TablePointer(context, IOVA, 1, 0x6000, 3, 0, 0);
        for (boolean overtaken : new boolean[] {true, false}) {
            long begun = caches.generation();
            if (overtaken) {
                caches.invalidateTranslations(Rig.DOMAIN, SourceId.NO_PASID, 0x1000, 0, true);
            }
            caches.add(context, IOVA, page, begun);
            caches.add(table, begun);
            caches.add(context, begun);
            assertThat(caches.iotlb().find(Rig.DOMAIN, SourceId.NO_PASID, IOVA, found))
                    .isEqualTo(!overtaken);
            assertThat(found.base()).isEqualTo(overtaken ? 0 : page.base());
            assertThat(caches.structures().find(context, IOVA, 1))
                    .isEqualTo(overtaken ? null : table);
            assertThat(caches.contexts().find(8, SourceId.NO_PASID))
                    .isEqualTo(overtaken ? null : context);
        }
    }

    @Test
    void anInvalidationDoesNotWaitForAWalkThatATestHolds() throws InterruptedException {
        try (Rig rig = new Rig(stepping())) {
            long root = rig.attach(48);
            long leaf = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            CountDownLatch reached = new CountDownLatch(1);
            CountDownLatch released = new CountDownLatch(1);
            step.set(address -> {
                if (address == leaf && reached.getCount() > 0) {
                    reached.countDown();
                    awaitLatch(released);
                }
            });
            AtomicReference<DmaOutcome> outcome = new AtomicReference<>();
            Thread device = Thread.ofPlatform().start(() -> outcome.set(rig.read(IOVA)));
            reached.await();
            rig.memory.storeRelease(leaf, 0);
            rig.invalidatePages(IOVA, 0, true);
            released.countDown();
            device.join();
            assertThat(outcome.get().code()).isEqualTo(FaultReason.NO_READ);
        }
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void afterADrainNothingLandsWhereItWent(CacheBehaviour caches) throws InterruptedException {
        try (Rig rig = new Rig(Rig.options().caches(caches).queueThread(false))) {
            long root = rig.attach(48);
            long leaf = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            AtomicBoolean stop = new AtomicBoolean();
            List<Thread> devices = new ArrayList<>();
            List<DmaOutcome> blocked = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                devices.add(
                        Thread.ofPlatform()
                                .start(() -> {
                                    while (!stop.get()) {
                                        DmaOutcome outcome = rig.write(IOVA, 1);
                                        if (!outcome.isDone()) {
                                            synchronized (blocked) {
                                                blocked.add(outcome);
                                            }
                                        }
                                    }
                                }));
            }
            for (int round = 0; round < 3000; round++) {
                long old = round % 2 == 0 ? 0x5000 : 0x6000;
                long next = round % 2 == 0 ? 0x6000 : 0x5000;
                rig.memory.storeRelease(leaf, next | Rig.RW);
                rig.submit((long) Rig.DOMAIN << 16 | DRAIN_WRITES | 3 << 4 | 2, IOVA | 1 << 6);
                rig.await();
                rig.memory.storeRelease(old, 2);
                for (int i = 0; i < 50; i++) {
                    assertThat(rig.memory.loadAcquire(old)).isEqualTo(2);
                }
            }
            stop.set(true);
            for (Thread device : devices) {
                device.join();
            }
            assertThat(blocked).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aWaitEndsWithWhatIsWaitedFor(boolean write) throws InterruptedException {
        InFlight inFlight = new InFlight();
        int slot = inFlight.begin(1, write);
        inFlight.await(1, true, true);
        inFlight.await(2, write, !write);
        assertThat(waits(inFlight, !write, write, () -> inFlight.end(slot))).isTrue();
        int walk = inFlight.begin(1, write);
        inFlight.walking(walk);
        assertThat(waits(inFlight, false, false, () -> inFlight.transferring(walk, write)))
                .isTrue();
        inFlight.paused(walk);
        inFlight.await(2, true, true);
        inFlight.end(walk);
    }

    @Test
    void moreRequestsThanSlotsTakeTurns() throws InterruptedException {
        InFlight inFlight = new InFlight();
        List<Integer> slots = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            slots.add(inFlight.begin(1, false));
        }
        assertThat(slots).doesNotHaveDuplicates();
        AtomicReference<Integer> last = new AtomicReference<>();
        Thread another = Thread.ofPlatform().start(() -> last.set(inFlight.begin(1, false)));
        inFlight.end(slots.get(17));
        another.join();
        assertThat(last.get()).isEqualTo(slots.get(17));
    }

    /* True if a wait went on until something was done. */
    private static boolean waits(InFlight inFlight, boolean reads, boolean writes, Runnable end)
            throws InterruptedException {
        AtomicBoolean over = new AtomicBoolean();
        Thread waiter =
                Thread.ofPlatform()
                        .start(() -> {
                            inFlight.await(2, reads, writes);
                            over.set(true);
                        });
        Thread.sleep(20);
        boolean waited = !over.get();
        end.run();
        waiter.join();
        return waited;
    }

    private static long tableAbove(Rig rig, long root) {
        long table = root;
        for (int level = 3; level > 1; level--) {
            table = rig.memory.loadAcquire(Rig.entry(table, IOVA, level)) & -4096;
        }
        return table;
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
