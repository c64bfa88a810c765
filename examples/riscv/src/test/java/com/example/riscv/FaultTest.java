package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.Stage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Blocked DMA as the unit records it and listeners hear of it. */
class FaultTest {

    private static final long PAGE = 0x1000;
    private static final int DIRECTORY_ENTRY_NOT_VALID = 258;

    @ParameterizedTest
    @CsvSource({"FIRST, 13, 15", "SECOND, 21, 23"})
    void F1_everyFaultIsReportedOnceWithItsCause(Stage stage, int read, int write)
            throws Exception {
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        DomainOptions options = DomainOptions.defaults().withStage(stage);
        try (World world = new World();
                IommuDomain domain = world.iommu.createDomain(options);
                AutoCloseable _ = world.iommu.onFault(heard::add)) {
            domain.map(PAGE, PAGE, PAGE, Access.READ);
            world.read(1, PAGE);
            try (Attachment _ = world.attach(0, domain)) {
                world.read(0, 5 * PAGE + 8);
                world.write(0, PAGE + 16, 1);
            }
            expect(heard, world, 1, PAGE, false, DIRECTORY_ENTRY_NOT_VALID);
            expect(heard, world, 0, 5 * PAGE, false, read);
            expect(heard, world, 0, PAGE, true, write);
            assertThat(heard).isEmpty();
            assertThat(world.iommu.faultCounts().recorded()).isEqualTo(3);
        }
    }

    @Test
    void F1_overflowIsCountedAndMarked() throws Exception {
        List<DmaFault> heard = new ArrayList<>();
        try (World world = new World()) {
            for (int i = 0; i < 200; i++) {
                world.read(0, i * PAGE);
            }
            AutoCloseable hearing = world.iommu.onFault(heard::add);
            while (world.iommu.faultCounts().overflows() == 0) {
                Thread.onSpinWait();
            }
            world.read(0, 1000 * PAGE);
            hearing.close();
            assertThat(world.iommu.faultCounts().overflows()).isEqualTo(1);
            assertThat(heard).hasSize(127 + 1);
            assertThat(heard.subList(0, 127)).noneMatch(DmaFault::overflowed);
            assertThat(heard.getLast().overflowed()).isTrue();
            assertThat(heard.getLast().iova()).isEqualTo(1000 * PAGE);
        }
    }

    @Test
    void F1_whatWasLostBeforeIsNotInTheWayOfWhatComes() throws Exception {
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        try (World world = new World()) {
            for (int i = 0; i < 200; i++) {
                world.read(0, i * PAGE);
            }
            world.iommu.close();
            IommuOptions options = IommuOptions.on(world.machine);
            try (Iommu again = Iommu.open("riscv", options);
                    AutoCloseable _ = again.onFault(heard::add)) {
                world.read(1, 7 * PAGE);
                expect(heard, world, 1, 7 * PAGE, false, DIRECTORY_ENTRY_NOT_VALID);
            }
        }
    }

    @Test
    void F3_aListenerThatThrowsOrBlocksStopsNobody() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();
        try (World world = new World();
                AutoCloseable _ = world.iommu.onFault(FaultTest::fail);
                AutoCloseable _ = world.iommu.onFault(_ -> await(blocked));
                AutoCloseable _ = world.iommu.onFault(heard::add)) {
            for (int i = 0; i < 3; i++) {
                world.read(0, i * PAGE);
                expect(heard, world, 0, i * PAGE, false, DIRECTORY_ENTRY_NOT_VALID);
            }
            blocked.countDown();
        }
    }

    private static void expect(
            BlockingQueue<DmaFault> heard,
            World world,
            int device,
            long page,
            boolean write,
            int cause)
            throws InterruptedException {
        DmaFault fault = heard.poll(10, TimeUnit.SECONDS);
        assertThat(fault).isNotNull();
        assertThat(fault.source()).isEqualTo(world.device(device).source());
        assertThat(fault.iova()).isEqualTo(page);
        assertThat(fault.write()).isEqualTo(write);
        assertThat(fault.code()).isEqualTo(cause);
        assertThat(fault.reason()).doesNotContain("cause");
        assertThat(fault.overflowed()).isFalse();
    }

    private static void fail(DmaFault fault) {
        throw new IllegalStateException("on purpose: " + fault);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
