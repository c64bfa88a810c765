package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
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
import org.iommu4j.machine.Sanitizer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Correct traffic raises nothing: two threads map, unmap, cut and split as they like, two devices
 * do DMA, on every kind of unit. {@code -Diommu4j.long=true} makes it more than ten million
 * operations.
 */
class SanitizedTrafficTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final int OPERATIONS = LONG ? 20_000 : 400;
    /* Of software and devices together, on each of the units. */
    private static final long LEAST = LONG ? 700_000 : 0;
    private static final long SEED = Long.getLong("iommu4j.seed", 20261123);
    private static final long PAGE = 0x1000;
    private static final long BLOCK = 0x200000;
    private static final long GIB = 0x40000000;
    private static final long SMALL = 8 * BLOCK;
    private static final long OUT = 2 * GIB;

    static Stream<Arguments> units() {
        List<Arguments> all = new ArrayList<>();
        EmulatorOptions base =
                EmulatorOptions.legacy().memory(4 * GIB).tableMemory(64 << 20).iotlbEntries(256);
        for (CacheBehaviour caches : CacheBehaviour.values()) {
            EmulatorOptions unit = base.caches(caches).seed(SEED);
            all.add(Arguments.of(caches + ", coherent", "strict", unit));
            all.add(Arguments.of(caches + ", coherent, two units", "domain", unit.units(2)));
            all.add(Arguments.of(caches + ", non-coherent", "domain", unit.coherent(false)));
            all.add(
                    Arguments.of(
                            caches + ", write buffers", "strict", unit.writeBufferFlush(true)));
            all.add(
                    Arguments.of(
                            caches + ", non-coherent, caching mode, 39 bits",
                            "strict",
                            unit.coherent(false).cachingMode(true).addressWidths(39)));
            EmulatorOptions first = UnitMode.FIRST_STAGE.of(unit);
            EmulatorOptions second = UnitMode.SECOND_STAGE.of(unit);
            all.add(Arguments.of(caches + ", first stage", "strict", first));
            all.add(
                    Arguments.of(
                            caches + ", first stage, non-coherent, caching mode, two units",
                            "domain",
                            first.coherent(false).cachingMode(true).units(2)));
            all.add(Arguments.of(caches + ", second stage by PASID entry", "domain", second));
            all.add(
                    Arguments.of(
                            caches + ", second stage by PASID entry, non-coherent",
                            "strict",
                            second.coherent(false)));
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("units")
    void correctOperationsRaiseNothing(String name, String policy, EmulatorOptions options)
            throws Exception {
        try (EmulatedMachine machine = EmulatedMachine.create(options);
                ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (long page = OUT; page < OUT + SMALL; page += PAGE) {
                machine.memory().storeRelease(page, page);
            }
            IommuOptions iommuOptions =
                    IommuOptions.on(machine).with(FlushPolicyProvider.class, policy);
            long dmas;
            try (Iommu iommu = Iommu.open("vtd", iommuOptions)) {
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
                domain.map(GIB, OUT + GIB, GIB, Access.READ_WRITE);
                List<Attachment> attachments = new ArrayList<>();
                for (Device device : machine.devices()) {
                    attachments.add(iommu.attach(device.source(), domain));
                }
                dmas = traffic(machine, domain, threads);
                attachments.forEach(Attachment::close);
                domain.close();
            }
            Sanitizer sanitizer = machine.sanitizer().orElseThrow();
            assertThat(sanitizer.findings())
                    .as("%s, seed %d, after %d DMAs", name, SEED, dmas)
                    .isEmpty();
            assertThat(dmas).isPositive();
        }
    }

    private static long traffic(
            EmulatedMachine machine, IommuDomain domain, ExecutorService threads) throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        LongAdder operations = new LongAdder();
        List<Future<Long>> devices = new ArrayList<>();
        CountDownLatch begun = new CountDownLatch(machine.devices().size());
        for (Device device : machine.devices()) {
            SplittableRandom random = new SplittableRandom(SEED + device.source().requester());
            devices.add(
                    threads.submit(() -> {
                        begun.countDown();
                        return use(device, random, done, operations);
                    }));
        }
        begun.await();
        List<Callable<Void>> workers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            SplittableRandom random = new SplittableRandom(SEED - i);
            workers.add(() -> {
                work(domain, random, operations);
                return null;
            });
        }
        try {
            for (Future<Void> worker : threads.invokeAll(workers)) {
                worker.get();
            }
        } finally {
            done.set(true);
        }
        long dmas = 0;
        for (Future<Long> device : devices) {
            dmas += device.get();
        }
        return dmas;
    }

    /** Whatever a page translates to, it is always the same: a word tells whether that is so. */
    private static long use(
            Device device, SplittableRandom random, AtomicBoolean done, LongAdder operations) {
        ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        long count = 0;
        for (; count == 0 || !done.get(); count++) {
            operations.increment();
            boolean large = random.nextInt(4) == 0;
            long iova = (large ? GIB + random.nextLong(GIB) : random.nextLong(SMALL)) & -PAGE;
            boolean read = device.read(iova, word.clear()).isDone();
            if (read && !large && word.getLong(0) != OUT + iova) {
                throw new AssertionError(
                        "0x"
                                + Long.toHexString(iova)
                                + " has 0x"
                                + Long.toHexString(word.getLong(0)));
            }
        }
        return count;
    }

    private static void work(IommuDomain domain, SplittableRandom random, LongAdder operations) {
        try (IotlbGather gather = domain.gather()) {
            for (int i = 0; i < OPERATIONS || operations.sum() < LEAST; i++) {
                operations.increment();
                long base = random.nextInt(8) == 0 ? GIB : 0;
                long room = base == 0 ? SMALL : GIB;
                long unit = random.nextInt(3) == 0 ? BLOCK : PAGE;
                long size = (1 + random.nextInt(random.nextInt(4) == 0 ? 8 : 1)) * unit;
                long iova = base + (random.nextLong(room - size + 1) & -unit);
                switch (random.nextInt(8)) {
                    case 0 -> domain.split(iova, size, PAGE, gather);
                    case 1 -> domain.cut(iova, size, gather);
                    case 2 -> domain.unmap(iova, size);
                    case 3, 4 -> domain.unmap(iova, size, gather);
                    default -> {
                        domain.sync(gather).await();
                        domain.tryMap(iova, OUT + iova, size, Access.READ_WRITE, gather);
                    }
                }
                if (random.nextInt(4) == 0) {
                    domain.sync(gather).await();
                }
            }
        }
    }
}
