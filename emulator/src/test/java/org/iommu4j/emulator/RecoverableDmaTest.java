package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.emulator.PagingDriver.FAILURE;
import static org.iommu4j.emulator.PagingDriver.INVALID;
import static org.iommu4j.emulator.PagingDriver.LATER;
import static org.iommu4j.emulator.PagingDriver.PAGE;
import static org.iommu4j.emulator.PagingDriver.PQA;
import static org.iommu4j.emulator.PagingDriver.PQH;
import static org.iommu4j.emulator.PagingDriver.PQT;
import static org.iommu4j.emulator.PagingDriver.PRS;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.iommu4j.emulator.PagingDriver.Defect;
import org.iommu4j.emulator.PagingDriver.Group;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DMA that waits for missing pages, with the driver of {@link PagingDriver}. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RecoverableDmaTest {

    private static final long IOVA = 0x40_3000;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void end() {
        threads.shutdownNow();
    }

    private CompletableFuture<DmaOutcome> write(Device device, long iova, long value) {
        return CompletableFuture.supplyAsync(
                () -> PagingDriver.write(device, iova, value), threads);
    }

    /** Serves until something is done. */
    private static <T> T serveUntil(PagingDriver driver, CompletableFuture<T> done)
            throws Exception {
        while (!done.isDone()) {
            if (driver.serve() == 0) {
                LockSupport.parkNanos(20_000);
            }
        }
        return done.get(30, TimeUnit.SECONDS);
    }

    private static void assertFine(PagingDriver driver) {
        assertThat(driver.sanitizer().findings()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void aMissingPageComesAndTheDmaGoesOn(CacheBehaviour caches) throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options().caches(caches))) {
            driver.attach(0, 32);
            for (int pasid = SourceId.NO_PASID; pasid <= PagingDriver.SPACES; pasid++) {
                Device device = driver.device(0);
                device = pasid <= 0 ? device : device.withPasid(pasid);
                long iova = IOVA + (pasid + 1) * PAGE;
                assertThat(serveUntil(driver, write(device, iova + 16, pasid)))
                        .isEqualTo(DmaOutcome.DONE.afterWaiting());
                assertThat(driver.memory.loadAcquire(iova + 16)).isEqualTo(pasid);
            }
            assertThat(driver.registers.read32(0x34)).as("no fault").isZero();
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void aRequestSaysWhoWantsWhat() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(1, 1);
            List<Group> groups = new ArrayList<>();
            driver.policy =
                    group -> {
                        groups.add(group);
                        return INVALID;
                    };
            int source = driver.device(1).source().requester();
            Device inSpace = driver.device(1).withPasid(3);
            serveUntil(driver, write(driver.device(1), IOVA + 8, 1));
            ByteBuffer bytes = ByteBuffer.allocate(8);
            serveUntil(driver, supply(() -> inSpace.read(IOVA + PAGE, bytes)));
            serveUntil(driver, supply(() -> inSpace.fetchAndAdd(IOVA, 1, bytes)));
            assertThat(groups)
                    .containsExactly(
                            new Group(source, -1, 0, List.of(IOVA), 2),
                            new Group(source, 3, 1, List.of(IOVA + PAGE), 1),
                            new Group(source, 3, 2, List.of(IOVA), 3));
            driver.detach(1);
            assertFine(driver);
        }
    }

    private CompletableFuture<DmaOutcome> supply(Supplier<DmaOutcome> dma) {
        return CompletableFuture.supplyAsync(dma, threads);
    }

    @ParameterizedTest
    @ValueSource(ints = {INVALID, FAILURE})
    void whatIsRefusedEndsTheDma(int code) throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            driver.policy = _ -> code;
            assertThat(serveUntil(driver, write(driver.device(0), IOVA, 1)))
                    .isEqualTo(DmaOutcome.blocked(IOVA, DmaOutcome.UNKNOWN).afterWaiting());
            assertThat(driver.registers.read32(0x34)).as("no fault is recorded").isZero();
            driver.detach(0);
            assertFine(driver);
        }
    }

    /** What a device does not answer is an invalidation; the answer to its request reaches it. */
    @Test
    void anAnswerArrivesThoughWaitsAreAborted() throws Exception {
        AtomicBoolean trouble = new AtomicBoolean();
        EmulatorOptions options =
                PagingDriver.options()
                        .queueTrouble(() ->
                                trouble.getAndSet(false)
                                        ? QueueTrouble.TIMED_OUT
                                        : QueueTrouble.NONE);
        try (PagingDriver driver = new PagingDriver(options)) {
            driver.attach(0, 8);
            driver.policy =
                    _ -> {
                        trouble.set(true);
                        return INVALID;
                    };
            CompletableFuture<DmaOutcome> blocked = write(driver.device(0), IOVA, 1);
            while (driver.serve() == 0) {
                LockSupport.parkNanos(20_000);
            }
            assertThat(driver.registers.read32(0x34)).isEqualTo(1 << 6);
            driver.registers.write32(0x34, 1 << 6);
            assertThat(blocked.get(30, TimeUnit.SECONDS).isDone()).isFalse();
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void aDmaOfManyPagesAsksForSomeOfThemAtOnce() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options().seed(3))) {
            driver.attach(0, 32);
            List<Group> groups = new ArrayList<>();
            driver.policy =
                    group -> {
                        groups.add(group);
                        return PagingDriver.SUCCESS;
                    };
            ByteBuffer data = ByteBuffer.allocate(40 << 12);
            Device device = driver.device(0);
            assertThat(serveUntil(driver, supply(() -> device.write(IOVA, data))))
                    .isEqualTo(DmaOutcome.DONE.afterWaiting());
            assertThat(groups.stream().mapToInt(group -> group.pages().size()).max().orElseThrow())
                    .as("largest group, seed 3")
                    .isGreaterThan(4);
            assertThat(groups).hasSizeLessThan(40);
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void aPageThatMayOnlyBeReadIsAskedForWriting() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            driver.mapPage(IOVA, 1);
            Device device = driver.device(0);
            assertThat(PagingDriver.read(device, IOVA)).isEqualTo(DmaOutcome.DONE);
            driver.policy =
                    group -> {
                        assertThat(group.access()).isEqualTo(2);
                        driver.permit(IOVA, 3);
                        return PagingDriver.SUCCESS;
                    };
            assertThat(serveUntil(driver, write(device, IOVA, 5)))
                    .isEqualTo(DmaOutcome.DONE.afterWaiting());
            driver.detach(0);
            assertFine(driver);
        }
    }

    /* Nothing is invalidated when a page is mapped. */
    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void aRequestMakesTheUnitForgetThatThePageWasMissing(CacheBehaviour caches) throws Exception {
        EmulatorOptions options = PagingDriver.options().caches(caches).cachingMode(true);
        try (PagingDriver driver = new PagingDriver(options)) {
            driver.attach(0, 8);
            driver.attach(1, 0);
            for (int i = 0; i < 50; i++) {
                long iova = IOVA + i * PAGE;
                assertThat(PagingDriver.write(driver.device(1), iova, 5).isDone()).isFalse();
                assertThat(serveUntil(driver, write(driver.device(0), iova, 5)).isDone()).isTrue();
            }
            driver.detach(0);
            driver.detach(1);
            assertFine(driver);
        }
    }

    @Test
    void whatIsStillMissingIsAskedForAgain() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 1);
            int[] asked = {0};
            driver.policy =
                    group -> {
                        if (++asked[0] < 4) {
                            driver.answer(group, PagingDriver.SUCCESS);
                            return LATER;
                        }
                        return PagingDriver.SUCCESS;
                    };
            assertThat(serveUntil(driver, write(driver.device(0), IOVA, 5)))
                    .isEqualTo(DmaOutcome.DONE.afterWaiting());
            assertThat(asked[0]).isEqualTo(4);
            driver.detach(0);
            assertFine(driver);
        }
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void afterAnOverflowEverythingWorksAgain(CacheBehaviour caches) throws Exception {
        EmulatorOptions options = PagingDriver.options().caches(caches);
        try (PagingDriver driver = new PagingDriver(options)) {
            List<CompletableFuture<DmaOutcome>> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                driver.attach(i, 64);
                for (int j = 0; j < 60; j++) {
                    all.add(write(driver.device(i), (i * 64L + j) * PAGE, i * 64L + j));
                }
            }
            while ((driver.registers.read32(PRS) & 2) == 0) {
                LockSupport.parkNanos(20_000);
            }
            assertThat((driver.registers.read32(PQT) + 32) % 4096)
                    .isEqualTo(driver.registers.read32(PQH));
            for (int i = 0; i < all.size(); i++) {
                assertThat(serveUntil(driver, all.get(i)))
                        .isEqualTo(DmaOutcome.DONE.afterWaiting());
            }
            assertThat(driver.overflows).isPositive();
            for (int i = 0; i < 4; i++) {
                driver.detach(i);
                assertThat(driver.memory.loadAcquire(i * 64L * PAGE)).isEqualTo(i * 64L);
            }
            assertFine(driver);
        }
    }

    @Test
    void withoutAQueueNobodyIsAsked() {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            driver.registers.write64(PQA, 0);
            assertThat(PagingDriver.write(driver.device(0), IOVA, 1))
                    .isEqualTo(DmaOutcome.blocked(IOVA, DmaOutcome.UNKNOWN).afterWaiting());
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void aDeviceAsksForPagesOnlyIfItMay() {
        try (PagingDriver driver =
                new PagingDriver(PagingDriver.options(), Defect.NO_PAGE_REQUESTS)) {
            driver.attach(0, 8);
            assertThat(PagingDriver.write(driver.device(0), IOVA, 1).isDone()).isFalse();
            assertThat(driver.registers.read32(PQT)).isZero();
            assertThat(fault(driver)).as("PRE is clear").isEqualTo(0x47);
        }
    }

    @Test
    void aDeviceTranslatesOnlyIfItMay() {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options(), Defect.NO_DEVICE_TLB)) {
            driver.attach(0, 8);
            driver.mapPage(IOVA);
            assertThat(PagingDriver.write(driver.device(0), IOVA, 1))
                    .isEqualTo(DmaOutcome.blocked(IOVA, 0x44));
            assertThat(fault(driver)).as("DTE is clear").isEqualTo(0x44);
        }
    }

    private static int fault(PagingDriver driver) {
        return (int) (driver.registers.read64(Capabilities.FAULT_RECORDS + 8) >>> 32) & 0xff;
    }

    @Test
    void withTranslationsAloneAMissingPageIsAFault() {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 0);
            DmaOutcome outcome = PagingDriver.write(driver.device(0), IOVA, 1);
            assertThat(outcome.isDone()).isFalse();
            assertThat(fault(driver)).isEqualTo(outcome.code()).isNotZero();
            assertThat(driver.registers.read32(PQT)).isZero();
            driver.mapPage(IOVA);
            assertThat(PagingDriver.write(driver.device(0), IOVA, 1)).isEqualTo(DmaOutcome.DONE);
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void offEndsEveryWait() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            Map<Integer, Group> asked = new ConcurrentHashMap<>();
            driver.policy =
                    group -> {
                        asked.put(group.pasid(), group);
                        return LATER;
                    };
            CompletableFuture<DmaOutcome> first = write(driver.device(0), IOVA, 1);
            CompletableFuture<DmaOutcome> second = write(driver.device(0).withPasid(2), IOVA, 1);
            while (asked.size() < 2) {
                driver.serve();
            }
            driver.device(0).translationService().orElseThrow().disable();
            assertThat(first.get(30, TimeUnit.SECONDS).isDone()).isFalse();
            assertThat(second.get(30, TimeUnit.SECONDS).code()).isNotZero();
            driver.await(true);
            assertThat(driver.serve()).as("the stop marker of the space").isEqualTo(1);
            asked.values().forEach(group -> driver.answer(group, INVALID));
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void whatIsOffGoesThroughTheUnit() throws Exception {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            driver.mapPage(IOVA);
            TranslationService service = driver.device(0).translationService().orElseThrow();
            service.disable();
            service.disable();
            assertThat(write(driver.device(0), IOVA, 7).get(30, TimeUnit.SECONDS))
                    .isEqualTo(DmaOutcome.DONE);
            driver.unmapPage(IOVA);
            assertThat(PagingDriver.read(driver.device(0), IOVA).isDone()).isFalse();
            service.enable(4);
            assertThat(serveUntil(driver, write(driver.device(0), IOVA, 8)))
                    .isEqualTo(DmaOutcome.DONE.afterWaiting());
            driver.detach(0);
            assertFine(driver);
        }
    }

    @Test
    void aServiceSaysWhatItIs() {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            TranslationService service = driver.device(0).translationService().orElseThrow();
            assertThat(service.requestsPages()).isTrue();
            assertThat(service.invalidationQueueDepth()).isBetween(1, 32);
            assertThat(driver.device(0).withPasid(2).translationService()).contains(service);
            assertThatThrownBy(() -> service.enable(-1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("-1 page requests");
        }
        try (EmulatedMachine plain = EmulatedMachine.create(EmulatorOptions.legacy())) {
            assertThat(plain.devices().getFirst().translationService()).isEmpty();
        }
    }

    @Test
    void closingTheMachineEndsEveryWait() throws Exception {
        CompletableFuture<DmaOutcome> waits;
        try (PagingDriver driver = new PagingDriver(PagingDriver.options())) {
            driver.attach(0, 8);
            waits = write(driver.device(0), IOVA, 1);
            while (driver.registers.read32(PQT) == 0) {
                LockSupport.parkNanos(20_000);
            }
        }
        assertThat(waits.get(30, TimeUnit.SECONDS))
                .isEqualTo(DmaOutcome.blocked(IOVA, DmaOutcome.UNKNOWN).afterWaiting());
    }

    @Test
    void aWaitForPageRequestsBringsThemIntoMemory() throws Exception {
        EmulatorOptions options = PagingDriver.options().caches(CacheBehaviour.DROPS_ANYTHING);
        try (PagingDriver driver = new PagingDriver(options)) {
            driver.attach(0, 8);
            for (int i = 0; i < 200; i++) {
                long iova = IOVA + i * PAGE;
                CompletableFuture<DmaOutcome> dma = write(driver.device(0), iova, 1);
                LockSupport.parkNanos(i * 500L);
                driver.device(0).translationService().orElseThrow().disable();
                driver.await(true);
                driver.serve();
                int tail = driver.registers.read32(PQT);
                dma.get(30, TimeUnit.SECONDS);
                assertThat(driver.registers.read32(PQT)).as("round %d", i).isEqualTo(tail);
                driver.device(0).translationService().orElseThrow().enable(8);
            }
            driver.detach(0);
            assertFine(driver);
        }
    }
}
