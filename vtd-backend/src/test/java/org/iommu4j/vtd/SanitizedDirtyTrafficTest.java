package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Correct tracking raises nothing: two threads report, unmap, map, split and coalesce as they like,
 * tracking begins and ends, devices write all the while, on every kind of unit that keeps dirty
 * bits. {@code -Diommu4j.long=true} makes it fifty times as much.
 */
class SanitizedDirtyTrafficTest {

    private static final int OPERATIONS = Boolean.getBoolean("iommu4j.long") ? 20_000 : 400;
    private static final int TRACKINGS = 4;
    private static final long SEED = Long.getLong("iommu4j.seed", 20261123);
    private static final long PAGE = 0x1000;
    private static final long BLOCK = EmulatedWorld.M2;
    private static final long BYTES = 8 * BLOCK;

    static Stream<Arguments> units() {
        List<Arguments> all = new ArrayList<>();
        for (CacheBehaviour caches : CacheBehaviour.values()) {
            EmulatorOptions base =
                    EmulatorOptions.legacy()
                            .memory(1L << 31)
                            .tableMemory(64 << 20)
                            .iotlbEntries(256)
                            .caches(caches)
                            .seed(SEED);
            EmulatorOptions first = UnitMode.FIRST_STAGE.of(base);
            EmulatorOptions second = UnitMode.SECOND_STAGE.of(base);
            all.add(Arguments.of(caches + ", first stage", "strict", first));
            all.add(Arguments.of(caches + ", second stage", "domain", second));
            all.add(
                    Arguments.of(
                            caches + ", second stage, two units", "deferred", second.units(2)));
            all.add(
                    Arguments.of(
                            caches + ", first stage, device TLBs",
                            "domain",
                            first.pageRequests(true)));
            all.add(
                    Arguments.of(
                            caches + ", second stage, device TLBs, caching mode",
                            "strict",
                            second.pageRequests(true).cachingMode(true)));
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("units")
    void D3_correctReportsRaiseNothing(String name, String policy, EmulatorOptions options)
            throws Exception {
        try (EmulatedMachine machine = EmulatedMachine.create(options);
                ExecutorService threads = Executors.newFixedThreadPool(6)) {
            IommuOptions on = IommuOptions.on(machine).with(FlushPolicyProvider.class, policy);
            long writes = 0;
            try (Iommu iommu = Iommu.open("vtd", on)) {
                boolean deviceTlb = name.contains("device TLBs");
                IommuDomain domain =
                        iommu.createDomain(DomainOptions.defaults().withPageRequests(deviceTlb));
                domain.map(0, BYTES, BYTES, Access.READ_WRITE);
                List<Device> devices = machine.devices().subList(0, 2);
                devices.forEach(device -> iommu.attach(device.source(), domain));
                for (int i = 0; i < TRACKINGS; i++) {
                    writes += traffic(domain, devices, threads, i);
                }
            }
            assertThat(machine.sanitizer().orElseThrow().findings())
                    .as("%s, seed %d, after %d writes", name, SEED, writes)
                    .isEmpty();
            assertThat(writes).isPositive();
        }
    }

    /** Tracking begins and ends while devices write. */
    private static long traffic(
            IommuDomain domain, List<Device> devices, ExecutorService threads, int number)
            throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        CountDownLatch begun = new CountDownLatch(devices.size());
        List<Future<Long>> writing = new ArrayList<>();
        for (Device device : devices) {
            SplittableRandom random =
                    new SplittableRandom(SEED + number + 16L * device.source().requester());
            writing.add(threads.submit(() -> write(device, random, begun, done)));
        }
        begun.await();
        try (DirtyTracking tracking =
                domain.trackDirty(new DirtyOptions(PAGE, number % 2 == 0, number < 2))) {
            List<Callable<Void>> workers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                SplittableRandom random = new SplittableRandom(SEED - 2L * number - i);
                workers.add(() -> work(domain, tracking, random));
            }
            for (Future<Void> worker : threads.invokeAll(workers)) {
                worker.get();
            }
        } finally {
            done.set(true);
        }
        long writes = 0;
        for (Future<Long> each : writing) {
            writes += each.get();
        }
        return writes;
    }

    private static long write(
            Device device, SplittableRandom random, CountDownLatch begun, AtomicBoolean done) {
        ByteBuffer old = ByteBuffer.allocate(8);
        long writes = 0;
        try {
            while (!done.get()) {
                long iova = random.nextLong(BYTES) & -8;
                boolean isDone =
                        random.nextInt(4) == 0
                                ? device.fetchAndAdd(iova, 1, old.clear()).isDone()
                                : EmulatedWorld.dmaWrite(device, iova, 1).isDone();
                writes += isDone ? 1 : 0;
                begun.countDown();
            }
        } finally {
            begun.countDown();
        }
        return writes;
    }

    private static Void work(IommuDomain domain, DirtyTracking tracking, SplittableRandom random) {
        try (IotlbGather gather = domain.gather();
                IotlbGather reports = domain.gather()) {
            for (int i = 0; i < OPERATIONS; i++) {
                long unit = random.nextInt(3) == 0 ? BLOCK : PAGE;
                long size = (1 + random.nextInt(random.nextInt(4) == 0 ? 8 : 1)) * unit;
                long iova = random.nextLong(BYTES - size + 1) & -unit;
                switch (random.nextInt(8)) {
                    case 0 -> domain.split(iova, size, PAGE, gather);
                    case 1 -> domain.coalesce(iova, size, gather);
                    case 2 -> domain.unmap(iova, size, gather);
                    case 3, 4 -> tracking.readAndClear(iova, size, (at, bytes) -> {}, reports);
                    case 5 -> tracking.readAndClear(0, BYTES, (at, bytes) -> {}, gather);
                    default -> {
                        domain.sync(gather).await();
                        domain.tryMap(iova, BYTES + iova, size, Access.READ_WRITE, gather);
                    }
                }
                if (random.nextInt(4) == 0) {
                    domain.sync(random.nextBoolean() ? gather : reports).await();
                }
            }
        }
        return null;
    }
}
