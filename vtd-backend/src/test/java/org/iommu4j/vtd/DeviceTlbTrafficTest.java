package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.M2;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Devices that keep translations, while what they keep changes and their service is turned on and
 * off: nothing that was unmapped is reached, and no device is asked that does not answer.
 */
@Timeout(120)
class DeviceTlbTrafficTest {

    private static final long PAGE = 0x1000;
    private static final int PAGES = 64;
    private static final long SEED = 20_261_123;
    private static final long MILLIS = Long.getLong("iommu4j.soak.millis", 700);

    static Stream<Arguments> units() {
        EmulatorOptions asking = EmulatorOptions.legacy().scalable(true).pageRequests(true);
        List<Arguments> all = new ArrayList<>();
        for (CacheBehaviour caches :
                List.of(CacheBehaviour.KEEPS_EVERYTHING, CacheBehaviour.DROPS_ANYTHING)) {
            EmulatorOptions unit = asking.caches(caches).seed(SEED);
            all.add(Arguments.of(caches + ", second stage", unit));
            all.add(Arguments.of(caches + ", first stage", unit.secondStage(false)));
            all.add(
                    Arguments.of(
                            caches + ", two units, queue threads",
                            unit.units(2).devices(4).queueThread(true)));
            all.add(Arguments.of(caches + ", non-coherent", unit.coherent(false)));
        }
        return all.stream();
    }

    /** Another domain of the same device turns the service on and off. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("units")
    void G7_whatIsUnmappedIsGoneThoughTheServiceComesAndGoes(String name, EmulatorOptions options)
            throws Exception {
        try (EmulatedWorld world = new EmulatedWorld(options);
                ExecutorService threads = Executors.newCachedThreadPool();
                AutoCloseable _ = world.iommu.onPageRequest(threads, _ -> Response.INVALID)) {
            IommuDomain domain = world.domain();
            IommuDomain asking =
                    world.iommu.createDomain(DomainOptions.defaults().withPageRequests(true));
            asking.map(0, 0, M2, Access.READ);
            for (Device device : world.machine.devices()) {
                world.iommu.attach(device.source(), domain);
            }
            for (int page = 0; page < PAGES; page++) {
                world.poke(page * PAGE, page);
            }
            AtomicBoolean done = new AtomicBoolean();
            List<Callable<Void>> work = new ArrayList<>();
            work.add(() -> mapAndUnmap(world, domain, done));
            for (Device device : world.machine.devices().subList(0, 2)) {
                work.add(() -> comeAndGo(world, device, asking, done));
            }
            for (Future<Void> one : threads.invokeAll(work)) {
                one.get(60, TimeUnit.SECONDS);
            }
            assertThat(asking.statistics().invalidations().page()).isZero();
            world.iommu.close();
        }
    }

    private static Void mapAndUnmap(EmulatedWorld world, IommuDomain domain, AtomicBoolean done) {
        Random random = new Random(SEED);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS);
        try {
            for (int round = 0; round < 50 || System.nanoTime() < end; round++) {
                domain.map(0, 0, PAGES * PAGE, Access.READ_WRITE);
                for (Device device : world.machine.devices()) {
                    for (int i = 0; i < 4; i++) {
                        int page = random.nextInt(PAGES);
                        assertThat(dmaRead(device, page * PAGE)).isEqualTo(page);
                    }
                }
                int gone = random.nextInt(PAGES);
                domain.unmap(gone * PAGE, PAGE);
                for (Device device : world.machine.devices()) {
                    assertThat(dmaRead(device, gone * PAGE)).isEqualTo(BLOCKED);
                    int stays = (gone + 1) % PAGES;
                    assertThat(dmaRead(device, stays * PAGE)).isEqualTo(stays);
                }
                domain.unmap(0, PAGES * PAGE);
                for (Device device : world.machine.devices()) {
                    assertThat(dmaRead(device, gone * PAGE)).isEqualTo(BLOCKED);
                }
            }
        } finally {
            done.set(true);
        }
        return null;
    }

    private static Void comeAndGo(
            EmulatedWorld world, Device device, IommuDomain asking, AtomicBoolean done) {
        for (int i = 0; i < 10 || !done.get(); i++) {
            try (Attachment _ = world.iommu.attach(device.source(), 1 + i % 2, asking)) {
                assertThat(dmaRead(device.withPasid(1 + i % 2), PAGE)).isEqualTo(1);
            }
        }
        return null;
    }
}
