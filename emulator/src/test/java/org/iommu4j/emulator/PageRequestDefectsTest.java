package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.PagingDriver.LATER;
import static org.iommu4j.emulator.PagingDriver.SUCCESS;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.iommu4j.emulator.PagingDriver.Defect;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Sanitizer.Finding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The sanitizer finds a driver that treats page requests or device TLBs wrong in exactly its way,
 * and does not find the same driver when it is right.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PageRequestDefectsTest {

    private static final long IOVA = 0x40_3000;

    /** Something that happens with a driver. */
    private interface Story {
        void tell(PagingDriver driver) throws Exception;
    }

    private static void finds(String rule, String words, Defect defect, Story story)
            throws Exception {
        PagingDriver right = new PagingDriver(PagingDriver.options());
        try (right) {
            story.tell(right);
        }
        assertThat(right.sanitizer().findings()).isEmpty();
        PagingDriver wrong = new PagingDriver(PagingDriver.options(), defect);
        try (wrong) {
            story.tell(wrong);
        }
        List<Finding> findings = wrong.sanitizer().findings();
        assertThat(wrong.sanitizer().count()).isEqualTo(findings.size()).isPositive();
        assertThat(findings).extracting(Finding::rule).containsOnly(rule);
        assertThat(findings.getFirst().summary()).contains(words);
        assertThat(findings.getFirst().history()).isNotEmpty();
    }

    /** A DMA that needs a page, and whoever serves it until it is done or has been asked for. */
    private static CompletableFuture<Void> dma(PagingDriver driver, int pasid, long iova)
            throws Exception {
        Device device = driver.device(0).withPasid(pasid);
        CompletableFuture<Void> done =
                CompletableFuture.runAsync(() -> PagingDriver.write(device, iova, 1));
        int served = 0;
        while (!done.isDone() && served == 0) {
            served = driver.serve();
        }
        return done;
    }

    private static void finish(PagingDriver driver, CompletableFuture<Void> dma) throws Exception {
        while (!dma.isDone()) {
            driver.serve();
        }
        dma.get(30, TimeUnit.SECONDS);
    }

    @Test
    void F2_aRequestIsAnsweredTwice() throws Exception {
        finds(
                "F2",
                "a page request a second time: device 0x8, PASID 0x1, group 0",
                Defect.ANSWERS_TWICE,
                driver -> {
                    driver.attach(0, 1);
                    finish(driver, dma(driver, 1, IOVA));
                    driver.detach(0);
                });
    }

    @Test
    void F2_whatNobodyAskedForIsAnswered() throws Exception {
        finds(
                "F2",
                "answers no page request",
                Defect.ANSWERS_ANOTHER_GROUP,
                driver -> {
                    driver.attach(0, 1);
                    finish(driver, dma(driver, 1, IOVA));
                    driver.detach(0);
                });
    }

    @Test
    void F2_aStopMarkerIsAnswered() throws Exception {
        finds(
                "F2",
                "answers a stop marker",
                Defect.ANSWERS_STOP_MARKERS,
                driver -> {
                    driver.attach(0, 1);
                    finish(driver, dma(driver, 1, IOVA));
                    driver.detach(0);
                });
    }

    @Test
    void F2_aRequestIsNotAnsweredBeforeItsDeviceBeginsAnew() throws Exception {
        finds(
                "F2",
                "page request without an answer when its device begins anew",
                Defect.ANSWERS_NOBODY,
                driver -> {
                    driver.attach(0, 1);
                    CompletableFuture<Void> dma = dma(driver, 1, IOVA);
                    driver.detach(0);
                    dma.get(30, TimeUnit.SECONDS);
                    driver.attach(0, 1);
                });
    }

    @Test
    void F2_aRequestIsNotAnsweredBeforeTheUnitStops() throws Exception {
        finds(
                "F2",
                "page request without an answer when translation is turned off",
                Defect.ANSWERS_NOBODY,
                driver -> {
                    driver.attach(0, 1);
                    CompletableFuture<Void> dma = dma(driver, 1, IOVA);
                    driver.detach(0);
                    dma.get(30, TimeUnit.SECONDS);
                    driver.registers.write32(0x18, 1 << 26);
                });
    }

    @Test
    void F2_aRequestIsNotAnsweredBeforeTheMachineCloses() throws Exception {
        finds(
                "F2",
                "page request without an answer when the machine is closed",
                Defect.ANSWERS_NOBODY,
                driver -> {
                    driver.attach(0, 1);
                    CompletableFuture<Void> dma = dma(driver, 1, IOVA);
                    driver.close();
                    dma.get(30, TimeUnit.SECONDS);
                });
    }

    @Test
    void F2_aLateAnswerIsAnAnswer() throws Exception {
        PagingDriver driver = new PagingDriver(PagingDriver.options());
        try (driver) {
            driver.attach(0, 1);
            PagingDriver.Group[] asked = new PagingDriver.Group[1];
            driver.policy =
                    group -> {
                        asked[0] = group;
                        return LATER;
                    };
            CompletableFuture<Void> dma = dma(driver, 1, IOVA);
            driver.detach(0);
            dma.get(30, TimeUnit.SECONDS);
            driver.answer(asked[0], SUCCESS);
        }
        assertThat(driver.sanitizer().findings()).isEmpty();
    }

    @Test
    void G2_aDeviceTlbIsNotInvalidated() throws Exception {
        finds("G2", "of its own TLB", Defect.DEVICE_TLB_NOT_INVALIDATED, unmapped(1));
    }

    @Test
    void G2_aDeviceTlbIsInvalidatedForAnotherSpace() throws Exception {
        finds("G2", "of its own TLB", Defect.DEVICE_TLB_OF_ANOTHER_SPACE, unmapped(2));
    }

    private static Story unmapped(int pasid) {
        return driver -> {
            driver.attach(0, 0);
            driver.mapPage(IOVA);
            Device device = driver.device(0).withPasid(pasid);
            PagingDriver.write(device, IOVA, 1);
            driver.unmapPage(IOVA);
            PagingDriver.write(device, IOVA, 2);
            driver.detach(0);
        };
    }

    @Test
    void D3_aDeviceTlbIsNotInvalidatedForTheReport() throws Exception {
        finds("D3", "of its own TLB", Defect.DEVICE_TLB_NOT_INVALIDATED, reported(1));
    }

    @Test
    void D3_aDeviceTlbIsInvalidatedForAnotherSpace() throws Exception {
        finds("D3", "of its own TLB", Defect.DEVICE_TLB_OF_ANOTHER_SPACE, reported(2));
    }

    private static Story reported(int pasid) {
        return driver -> {
            driver.keepDirtyBits();
            driver.attach(0, 0);
            driver.mapPage(IOVA);
            Device device = driver.device(0).withPasid(pasid);
            PagingDriver.write(device, IOVA, 1);
            assertThat(driver.report(IOVA)).isTrue();
            PagingDriver.write(device, IOVA, 2);
            driver.detach(0);
        };
    }

    @Test
    void G2_aDeviceTlbIsInvalidatedBeforeTheIotlb() throws Exception {
        finds(
                "G2",
                "of its own TLB",
                Defect.DEVICE_TLB_BEFORE_THE_IOTLB,
                driver -> {
                    driver.attach(0, 0);
                    driver.mapPage(IOVA);
                    Device device = driver.device(0).withPasid(1);
                    PagingDriver.write(device, IOVA, 1);
                    driver.meanwhile = () -> PagingDriver.write(device, IOVA, 2);
                    driver.unmapPage(IOVA);
                    PagingDriver.write(device, IOVA, 3);
                    driver.detach(0);
                });
    }

    @Test
    void G2_aDeviceTlbIsNotInvalidatedAndItsPageIsUsedAnew() throws Exception {
        finds(
                "G2",
                "of its own TLB",
                Defect.DEVICE_TLB_NOT_INVALIDATED,
                driver -> {
                    driver.attach(0, 1);
                    finish(driver, dma(driver, 1, IOVA));
                    driver.unmapPage(IOVA);
                    driver.mapPage(IOVA);
                    finish(driver, dma(driver, 1, IOVA));
                    driver.detach(0);
                });
    }

    @Test
    void L2_aDetachedDeviceTranslatesByItself() throws Exception {
        finds(
                "L2",
                "uses tables at 0x",
                Defect.DETACH_ONLY_CLEARS_THE_ENTRY,
                driver -> {
                    driver.attach(0, 0);
                    driver.mapPage(IOVA);
                    Device device = driver.device(0).withPasid(1);
                    PagingDriver.write(device, IOVA, 1);
                    driver.detach(0);
                    PagingDriver.write(device, IOVA, 1);
                });
    }
}
