package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.PagingDriver.PAGE;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What devices keep of translations, and what makes them forget. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DeviceTranslationTest {

    private static final int FSTS = 0x34;
    private static final int TIMED_OUT = 1 << 6;
    private static final int QUEUE_ERROR = 1 << 4;
    private static final long IOVA = 0x40_3000;
    private static final long NOTHING = 4096;

    /* Whoever looks for what is kept wants no finding of it. */
    private static PagingDriver driver() {
        PagingDriver driver = new PagingDriver(PagingDriver.options().sanitizer(false));
        driver.attach(0, 0);
        return driver;
    }

    private static int source(PagingDriver driver) {
        return driver.device(0).source().requester();
    }

    /** Clears a leaf and lets the unit, but not the device, forget it. */
    private static void take(PagingDriver driver, long iova) {
        driver.permit(iova, 0);
        driver.submit(1 << 4 | 2, 0);
        driver.await(false);
    }

    private static boolean reads(PagingDriver driver, int pasid, long iova) {
        Device device = driver.device(0);
        device = pasid == SourceId.NO_PASID ? device : device.withPasid(pasid);
        return PagingDriver.read(device, iova).isDone();
    }

    @ParameterizedTest
    @ValueSource(ints = {SourceId.NO_PASID, 1, 3})
    void aTranslationIsKeptUntilItsInvalidation(int pasid) {
        try (PagingDriver driver = driver()) {
            driver.mapPage(IOVA);
            assertThat(reads(driver, pasid, IOVA)).isTrue();
            take(driver, IOVA);
            assertThat(reads(driver, pasid, IOVA)).isTrue();
            int other = pasid == 1 ? 2 : 1;
            driver.invalidateDevice(source(driver), other, IOVA, false);
            driver.invalidateDevice(source(driver), pasid, IOVA + PAGE, false);
            driver.await(false);
            assertThat(reads(driver, pasid, IOVA)).as("what was not meant").isTrue();
            driver.invalidateDevice(source(driver), pasid, IOVA, false);
            driver.await(false);
            assertThat(reads(driver, pasid, IOVA)).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x403000, false, 1",
        "0x402000, true, 2",
        "0x401000, true, 4",
        "0x403000, true, 8",
        "0x407000, true, 16",
        "0x7ffffffffffff000, true, 512"
    })
    void theSizeOfAnInvalidationIsInItsAddress(long address, boolean sized, int pages) {
        for (int pasid = SourceId.NO_PASID; pasid < 2; pasid += 2) {
            try (PagingDriver driver = driver()) {
                for (int i = 0; i < 512; i++) {
                    driver.mapPage(0x40_0000 + i * PAGE);
                    assertThat(reads(driver, pasid, 0x40_0000 + i * PAGE)).isTrue();
                }
                driver.permitAll(0x40_0000, 0);
                take(driver, 0x40_0000);
                driver.invalidateDevice(source(driver), pasid, address, sized);
                driver.await(false);
                int left = 0;
                for (int i = 0; i < 512; i++) {
                    left += reads(driver, pasid, 0x40_0000 + i * PAGE) ? 1 : 0;
                }
                assertThat(left).isEqualTo(512 - pages);
            }
        }
    }

    @Test
    void aLargePageIsKeptWholeAndLostWhole() {
        try (PagingDriver driver = driver()) {
            driver.mapBlock(0x60_0000);
            assertThat(reads(driver, 1, 0x60_0000)).isTrue();
            driver.clearBlock(0x60_0000);
            driver.submit(1 << 4 | 2, 0);
            driver.await(false);
            assertThat(reads(driver, 1, 0x7f_f000)).isTrue();
            driver.invalidateDevice(source(driver), 1, 0x6a_b000, false);
            driver.await(false);
            assertThat(reads(driver, 1, 0x7f_f000)).isFalse();
        }
    }

    @Test
    void aGlobalInvalidationIsOfAllSpaces() {
        try (PagingDriver driver = driver()) {
            driver.mapPage(IOVA);
            for (int pasid = SourceId.NO_PASID; pasid <= 3; pasid += pasid < 0 ? 2 : 1) {
                assertThat(reads(driver, pasid, IOVA)).isTrue();
            }
            take(driver, IOVA);
            driver.submit(2L << 32 | (long) source(driver) << 16 | 8, IOVA | 1);
            driver.await(false);
            assertThat(reads(driver, 1, IOVA)).isFalse();
            assertThat(reads(driver, 3, IOVA)).isFalse();
            assertThat(reads(driver, SourceId.NO_PASID, IOVA)).as("has no id").isTrue();
        }
    }

    @Test
    void whoeverIsOffKeepsNothing() {
        try (PagingDriver driver = driver()) {
            driver.mapPage(IOVA);
            assertThat(reads(driver, 1, IOVA)).isTrue();
            take(driver, IOVA);
            driver.device(0).translationService().orElseThrow().disable();
            driver.device(0).translationService().orElseThrow().enable(0);
            assertThat(reads(driver, 1, IOVA)).isFalse();
            driver.device(0).translationService().orElseThrow().disable();
            driver.invalidateDevice(source(driver), 1, IOVA, false);
            driver.await(false);
        }
    }

    @Test
    void aDeviceThatDropsAnythingLosesItAndAsksAhead() {
        EmulatorOptions options =
                PagingDriver.options().sanitizer(false).caches(CacheBehaviour.DROPS_ANYTHING);
        try (PagingDriver driver = new PagingDriver(options)) {
            driver.attach(0, 0);
            for (int i = 0; i < 512; i++) {
                driver.mapPage(0x40_0000 + i * PAGE);
            }
            for (int i = 0; i < 100; i++) {
                assertThat(reads(driver, 1, 0x40_0000)).isTrue();
            }
            driver.permitAll(0x40_0000, 0);
            take(driver, 0x40_0000);
            int kept = 0;
            for (int i = 0; i < 512; i++) {
                kept += reads(driver, 1, 0x40_0000 + i * PAGE) ? 1 : 0;
            }
            assertThat(kept).as("pages that were asked for ahead, seed 1").isPositive();
            boolean lost = false;
            for (int i = 0; i < 1000 && !lost; i++) {
                lost = !reads(driver, 1, 0x40_0000);
            }
            assertThat(lost).isTrue();
        }
    }

    @Test
    void aDeviceThatIsNotThereNeverSaysThatItIsDone() {
        try (PagingDriver driver = driver()) {
            driver.mapPage(IOVA);
            driver.invalidateDevice(0xff, 1, IOVA, false);
            assertThat(driver.registers.read32(FSTS) & TIMED_OUT).isNotZero();
            driver.submit(0xdL << 32 | 1 << 5 | 5, driver.status);
            assertThat((int) driver.memory.loadAcquire(driver.status)).isNotEqualTo(0xd);
            driver.registers.write32(FSTS, TIMED_OUT);
            assertThat((int) driver.memory.loadAcquire(driver.status)).isEqualTo(0xd);
        }
    }

    @Test
    void whoDoesNotAnswerHasNotForgotten() {
        AtomicBoolean trouble = new AtomicBoolean();
        EmulatorOptions options =
                PagingDriver.options()
                        .sanitizer(false)
                        .queueTrouble(() ->
                                trouble.getAndSet(false)
                                        ? QueueTrouble.TIMED_OUT
                                        : QueueTrouble.NONE);
        try (PagingDriver driver = new PagingDriver(options)) {
            driver.attach(0, 0);
            driver.mapPage(IOVA);
            assertThat(reads(driver, 1, IOVA)).isTrue();
            take(driver, IOVA);
            trouble.set(true);
            driver.invalidateDevice(source(driver), 1, IOVA, false);
            assertThat(driver.registers.read32(FSTS) & TIMED_OUT).isNotZero();
            assertThat(reads(driver, 1, IOVA)).isTrue();
            driver.registers.write32(FSTS, TIMED_OUT);
            driver.invalidateDevice(source(driver), 1, IOVA, false);
            driver.await(false);
            assertThat(reads(driver, 1, IOVA)).isFalse();
        }
    }

    /** Of one that permits more, and that the device has got since. */
    @Test
    void aSmallPageThatPermitsLessIsNotInTheWayOfALargeOne() {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options().sanitizer(false))) {
            driver.attach(0, 0);
            driver.mapPage(0x40_0000, 1);
            assertThat(reads(driver, 1, 0x40_0000)).isTrue();
            driver.mapBlock(0x40_0000);
            driver.submit(1 << 4 | 2, 0);
            driver.await(false);
            Device device = driver.device(0).withPasid(1);
            assertThat(PagingDriver.write(device, 0x40_0000, 1).isDone()).isTrue();
        }
    }

    @Test
    void withoutTranslationNoDeviceAnswers() {
        try (PagingDriver driver = driver()) {
            driver.registers.write32(0x18, 1 << 26);
            driver.invalidateDevice(source(driver), 1, IOVA, false);
            assertThat(driver.registers.read32(FSTS) & TIMED_OUT).isNotZero();
        }
    }

    @Test
    void aUnitWhoseDevicesHaveNoTlbKnowsNoSuchDescriptor() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.submit((long) rig.device.source().requester() << 32 | 3, IOVA);
            assertThat(rig.registers.read32(FSTS) & QUEUE_ERROR).isNotZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHitAllocatesNothing(boolean sanitizer) {
        try (PagingDriver driver = new PagingDriver(PagingDriver.options().sanitizer(sanitizer))) {
            driver.attach(0, 8);
            for (int i = 0; i < 64; i++) {
                driver.mapPage(i * PAGE);
            }
            Device device = driver.device(0).withPasid(3);
            ByteBuffer buffer = ByteBuffer.allocateDirect(64).order(ByteOrder.LITTLE_ENDIAN);
            ThreadMXBean counter = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 5; round++) {
                long before = counter.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 100_000; i++) {
                    buffer.clear();
                    long iova = i % 64 * PAGE;
                    DmaOutcome outcome =
                            switch (i % 3) {
                                case 0 -> device.read(iova, buffer);
                                case 1 -> device.write(iova, buffer);
                                default -> device.fetchAndAdd(iova, 1, buffer);
                            };
                    if (!outcome.isDone()) {
                        throw new AssertionError(outcome.toString());
                    }
                }
                least = Math.min(least, counter.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).isLessThan(NOTHING);
        }
    }
}
