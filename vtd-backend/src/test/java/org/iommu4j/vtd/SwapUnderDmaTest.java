package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.M2;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.UnitMode.FIRST_STAGE;
import static org.iommu4j.vtd.UnitMode.SECOND_STAGE;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.emulator.QueueTrouble;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Pages are taken out of large mappings and brought back elsewhere while devices read everything:
 * no page that stays may fault, and no page may read as what its old frame was used for next.
 */
@Timeout(120)
class SwapUnderDmaTest {

    private static final long PAGE = 0x1000;
    private static final int PAGES = 16 << 9;
    private static final int SWAPPED_ONE_IN = 8;
    private static final long POISON = 0xdead_dead_deadL;
    private static final int LEAST = 100;
    private static final long SEED = 20_261_123;
    private static final long MILLIS = Long.getLong("iommu4j.soak.millis", 700);

    static Stream<Arguments> machines() {
        EmulatorOptions usual = EmulatorOptions.legacy();
        EmulatorOptions keeps = usual.caches(CacheBehaviour.KEEPS_EVERYTHING);
        EmulatorOptions drops = usual.caches(CacheBehaviour.DROPS_ANYTHING).seed(SEED);
        AtomicInteger asked = new AtomicInteger();
        return Stream.of(
                Arguments.of("keeps everything", keeps),
                Arguments.of("drops anything", drops),
                Arguments.of("two units", keeps.units(2).devices(4)),
                Arguments.of(
                        "three levels, a thread a queue",
                        drops.addressWidths(39).queueThread(true)),
                Arguments.of("non-coherent", drops.coherent(false)),
                Arguments.of("non-coherent, caching mode", keeps.coherent(false).cachingMode(true)),
                Arguments.of("write buffer", usual.writeBufferFlush(true)),
                Arguments.of("second stage by PASID entry", SECOND_STAGE.of(keeps)),
                Arguments.of("second stage, non-coherent", SECOND_STAGE.of(drops.coherent(false))),
                Arguments.of("first stage, keeps everything", FIRST_STAGE.of(keeps)),
                Arguments.of("first stage, drops anything", FIRST_STAGE.of(drops)),
                Arguments.of("first stage, two units", FIRST_STAGE.of(keeps.units(2).devices(4))),
                Arguments.of(
                        "first stage, non-coherent, caching mode",
                        FIRST_STAGE.of(keeps.coherent(false).cachingMode(true))),
                Arguments.of(
                        "first stage, walks alone non-coherent",
                        FIRST_STAGE.of(drops).pageWalkCoherent(false)),
                Arguments.of("no page selection", keeps.pageSelective(false)),
                Arguments.of(
                        "waits that are aborted",
                        keeps.queueTrouble(() ->
                                asked.incrementAndGet() % 50 == 0
                                        ? QueueTrouble.TIMED_OUT
                                        : QueueTrouble.NONE)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void S1_noPageThatStaysFaults(String name, EmulatorOptions options) throws Exception {
        try (EmulatedWorld world = new EmulatedWorld(options)) {
            IommuDomain domain = world.domain();
            for (int page = 0; page < PAGES; page++) {
                world.poke(page * PAGE, page);
            }
            domain.map(0, 0, PAGES * PAGE, Access.READ_WRITE);
            for (Device device : world.machine.devices()) {
                world.iommu.attach(device.source(), domain);
            }
            AtomicLong reads = new AtomicLong();
            AtomicLong swaps = new AtomicLong();
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS);
            List<Callable<Void>> work = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int part = i;
                work.add(() -> swap(world, domain, part, end, swaps));
                work.add(() -> read(world.device(part), part, end, reads));
            }
            run(work);
            assertThat(reads).hasValueGreaterThanOrEqualTo(2L * LEAST);
            assertThat(swaps).hasValueGreaterThanOrEqualTo(2L * LEAST);
        }
    }

    private static Void read(Device device, int part, long end, AtomicLong reads) {
        Random random = new Random(SEED + part);
        for (int i = 0; i < LEAST || System.nanoTime() < end; i++) {
            int page = random.nextInt(PAGES);
            long value = dmaRead(device, page * PAGE);
            if (value != page && (value != BLOCKED || page % SWAPPED_ONE_IN != 0)) {
                throw new AssertionError(
                        "page 0x%x read as 0x%x, seed %d".formatted(page, value, SEED));
            }
            reads.incrementAndGet();
        }
        return null;
    }

    /** Swaps the pages of its own half, each into the frame that was left last. */
    private static Void swap(
            EmulatedWorld world, IommuDomain domain, int part, long end, AtomicLong swaps) {
        Random random = new Random(SEED - part);
        long free = (PAGES + (long) part) * PAGE;
        IotlbGather gather = domain.gather();
        for (int i = 0; i < LEAST || System.nanoTime() < end; i++) {
            int page = (2 * random.nextInt(PAGES / 2 / SWAPPED_ONE_IN) + part) * SWAPPED_ONE_IN;
            long frame = domain.translate(page * PAGE);
            if (random.nextInt(4) == 0) {
                domain.cut(page * PAGE, PAGE, gather);
            }
            if (random.nextBoolean()) {
                assertThat(domain.unmap(page * PAGE, PAGE)).isEqualTo(PAGE);
            } else {
                assertThat(domain.unmap(page * PAGE, PAGE, gather)).isEqualTo(PAGE);
                domain.sync(gather).await();
            }
            world.poke(frame, POISON);
            world.poke(free, page);
            domain.map(page * PAGE, free, PAGE, Access.READ_WRITE);
            free = frame;
            swaps.incrementAndGet();
        }
        gather.close();
        return null;
    }

    @Test
    void T1_eightThreadsOnTheirOwnDomainsAndDevices() throws Exception {
        EmulatorOptions options =
                EmulatorOptions.legacy()
                        .units(2)
                        .devices(8)
                        .caches(CacheBehaviour.KEEPS_EVERYTHING)
                        .queueThread(true);
        try (EmulatedWorld world = new EmulatedWorld(options)) {
            List<Callable<Void>> work = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int index = i;
                work.add(() -> comeAndGo(world, index));
            }
            run(work);
        }
    }

    private static Void comeAndGo(EmulatedWorld world, int index) {
        Device device = world.device(index);
        for (int round = 0; round < 60; round++) {
            long physical = (index + 1L) * M2;
            world.poke(physical, round);
            try (IommuDomain domain = world.domain()) {
                domain.map(0, physical, M2, Access.READ);
                try (var _ = world.iommu.attach(device.source(), domain)) {
                    assertThat(dmaRead(device, 0)).isEqualTo(round);
                    domain.unmap(0, PAGE);
                    assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
                }
            }
        }
        return null;
    }

    private static void run(List<Callable<Void>> work) throws Exception {
        try (ExecutorService executor = Executors.newFixedThreadPool(work.size())) {
            for (Future<Void> one : executor.invokeAll(work)) {
                one.get();
            }
        }
    }
}
