package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Devices that ask for pages and wait, on the emulated unit, whose sanitizer knows each request
 * that has no answer or two.
 */
@Timeout(120)
class PageRequestStormTest {

    private static final int SEED = 20_261_123;
    private static final long PAGE = 0x1000;
    private static final int PAGES_EACH = 16;
    private static final int REQUESTS = 10_000;

    private static EmulatorOptions asking(UnitMode mode, int devices) {
        return mode.of(EmulatorOptions.legacy().devices(devices).seed(SEED).pageRequests(true));
    }

    private static IommuDomain domain(EmulatedWorld world) {
        return world.iommu.createDomain(DomainOptions.defaults().withPageRequests(true));
    }

    /** What a handler does by chance. */
    private static final class Moody implements PageRequestHandler {
        private final IommuDomain domain;
        private final AtomicInteger asked = new AtomicInteger();

        Moody(IommuDomain domain) {
            this.domain = domain;
        }

        @Override
        public Response handle(PageRequest request) {
            int mood = new SplittableRandom(SEED + asked.incrementAndGet()).nextInt(20);
            switch (mood) {
                case 0, 1 -> throw new IllegalStateException("on purpose");
                case 2, 3 -> {
                    return Response.INVALID;
                }
                case 4 -> {
                    return Response.SUCCESS; // and it is still not there
                }
                case 5, 6 -> pause();
                default -> {}
            }
            mapPage(domain, request.iova());
            return Response.SUCCESS;
        }

        private static void pause() {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** A page is where it says, unless it is there already. */
    private static void mapPage(IommuDomain domain, long iova) {
        try {
            domain.map(iova, iova, PAGE, Access.READ_WRITE);
        } catch (MappingConflictException e) {
            assertThat(e.existing().outputAddress()).isEqualTo(iova);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "SECOND_STAGE, KEEPS_EVERYTHING",
        "SECOND_STAGE, DROPS_ANYTHING",
        "FIRST_STAGE, KEEPS_EVERYTHING",
        "FIRST_STAGE, DROPS_ANYTHING",
    })
    void F2_everyRequestIsAnsweredOnce(UnitMode mode, CacheBehaviour caches) throws Exception {
        try (EmulatedWorld world =
                        new EmulatedWorld(
                                asking(mode, 4).caches(caches), UnaryOperator.identity());
                ExecutorService handlers = Executors.newFixedThreadPool(4);
                ExecutorService drivers = Executors.newCachedThreadPool()) {
            IommuDomain domain = domain(world);
            Moody handler = new Moody(domain);
            AtomicLong recovered = new AtomicLong();
            List<Callable<Void>> dma = new ArrayList<>();
            for (int thread = 0; thread < 12; thread++) {
                Device device = world.device(thread % 4);
                if (thread < 4) {
                    world.iommu.attach(device.source(), domain);
                }
                long first = (1 + thread * PAGES_EACH) * PAGE;
                dma.add(() -> useAndLose(device, domain, first, handler, recovered));
            }
            try (AutoCloseable _ = world.iommu.onPageRequest(handlers, handler)) {
                for (Future<Void> each : drivers.invokeAll(dma)) {
                    each.get();
                }
            }
            assertThat(handler.asked.get()).isGreaterThanOrEqualTo(REQUESTS);
            assertThat(recovered.get()).isGreaterThan(REQUESTS / 20);
        }
    }

    /** Uses pages one after another, which are taken away each time. */
    private static Void useAndLose(
            Device device, IommuDomain domain, long first, Moody handler, AtomicLong recovered) {
        for (long i = 1; handler.asked.get() < REQUESTS; i++) {
            long iova = first + i % PAGES_EACH * PAGE;
            DmaOutcome outcome = EmulatedWorld.dmaWrite(device, iova, i);
            assertThat(outcome.waited()).isTrue();
            if (outcome.isDone()) {
                assertThat(EmulatedWorld.dmaRead(device, iova)).isEqualTo(i);
                recovered.incrementAndGet();
            }
            domain.unmap(iova, PAGE); // refused, it may be there: a group asks for more than once
        }
        return null;
    }

    /** More devices wait than fit into the ring, while nobody takes anything out of it. */
    @ParameterizedTest
    @CsvSource({"SECOND_STAGE", "FIRST_STAGE"})
    void F2_afterAnOverflowEverythingWorksAgain(UnitMode mode) throws Exception {
        int threads = 192;
        CountDownLatch goOn = new CountDownLatch(1);
        Executor inTheWay = Runnable::run;
        try (EmulatedWorld world = new EmulatedWorld(asking(mode, 8));
                ExecutorService drivers = Executors.newCachedThreadPool()) {
            IommuDomain domain = domain(world);
            for (int device = 0; device < 8; device++) {
                world.iommu.attach(world.device(device).source(), domain);
            }
            try (AutoCloseable _ =
                    world.iommu.onPageRequest(
                            inTheWay,
                            request -> {
                                awaitQuietly(goOn);
                                mapPage(domain, request.iova());
                                return Response.SUCCESS;
                            })) {
                List<Future<DmaOutcome>> waiting = new ArrayList<>();
                for (int i = 0; i < threads; i++) {
                    Device device = world.device(i % 8);
                    long iova = (1 + i) * PAGE;
                    waiting.add(drivers.submit(() -> EmulatedWorld.dmaWrite(device, iova, iova)));
                }
                new Patience(Duration.ofSeconds(20))
                        .until(
                                () ->
                                        (world.registers(0).read32(UnitRegisters.PRS)
                                                        & UnitRegisters.PRS_PRO)
                                                != 0,
                                () -> "an overflow");
                goOn.countDown();
                for (int i = 0; i < threads; i++) {
                    assertThat(waiting.get(i).get(60, TimeUnit.SECONDS))
                            .isEqualTo(DmaOutcome.DONE.afterWaiting());
                    assertThat(world.peek((1 + i) * PAGE)).isEqualTo((1 + i) * PAGE);
                }
            }
            assertThat(world.registers(0).read32(UnitRegisters.PRS) & UnitRegisters.PRS_PRO)
                    .isZero();
        }
    }

    /** Detaching answers for a handler that does not. */
    @Test
    void L2_detachEndsTheWaiting() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        try (EmulatedWorld world = new EmulatedWorld(asking(UnitMode.SECOND_STAGE, 1));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            IommuDomain domain = domain(world);
            Attachment attachment = world.iommu.attach(world.device(0).source(), domain);
            try (AutoCloseable _ =
                    world.iommu.onPageRequest(
                            threads,
                            request -> {
                                asked.countDown();
                                awaitQuietly(goOn);
                                return Response.SUCCESS;
                            })) {
                Future<DmaOutcome> waiting =
                        threads.submit(() -> EmulatedWorld.dmaWrite(world.device(0), PAGE, 1));
                asked.await();
                attachment.close();
                assertThat(waiting.get(10, TimeUnit.SECONDS).isDone()).isFalse();
                goOn.countDown();
            }
            Attachment again = world.iommu.attach(world.device(0).source(), domain);
            try (AutoCloseable _ =
                    world.iommu.onPageRequest(
                            threads,
                            request -> {
                                mapPage(domain, request.iova());
                                return Response.SUCCESS;
                            })) {
                assertThat(EmulatedWorld.dmaWrite(world.device(0), PAGE, 1))
                        .isEqualTo(DmaOutcome.DONE.afterWaiting());
            }
            again.close();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
