package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A copy of memory that devices write all the while, made by what the unit says they wrote. */
class DirtyUnderDmaTest {

    private static final int SEEDS = Boolean.getBoolean("iommu4j.long") ? 100 : 4;
    private static final long HOME = EmulatedWorld.G1;
    private static final long BYTES = 4 * EmulatedWorld.M2;
    private static final int PAGE = 0x1000;
    private static final int PAGES = (int) (BYTES / PAGE);
    private static final int WORDS = (int) (BYTES / Long.BYTES);

    private static EmulatorOptions machine(UnitMode mode, CacheBehaviour caches, long seed) {
        return mode.of(EmulatorOptions.legacy()).caches(caches).seed(seed);
    }

    @ParameterizedTest
    @CsvSource({
        "SECOND_STAGE, KEEPS_EVERYTHING, false, false",
        "SECOND_STAGE, DROPS_ANYTHING, true, false",
        "FIRST_STAGE, KEEPS_EVERYTHING, true, false",
        "FIRST_STAGE, DROPS_ANYTHING, false, false",
        "SECOND_STAGE, KEEPS_EVERYTHING, true, true",
        "SECOND_STAGE, DROPS_ANYTHING, false, true",
        "FIRST_STAGE, KEEPS_EVERYTHING, false, true",
        "FIRST_STAGE, DROPS_ANYTHING, true, true",
    })
    void D1_theCopyIsEqualWhateverDevicesWriteMeanwhile(
            UnitMode mode, CacheBehaviour caches, boolean lazily, boolean deviceTlbs)
            throws Exception {
        for (long seed = 1; seed <= SEEDS; seed++) {
            EmulatorOptions options = machine(mode, caches, seed).pageRequests(deviceTlbs);
            try (EmulatedWorld world = new EmulatedWorld(options)) {
                IommuDomain domain =
                        world.iommu.createDomain(
                                DomainOptions.defaults().withPageRequests(deviceTlbs));
                domain.map(0, HOME, BYTES, Access.READ_WRITE);
                for (int i = 0; i < 2; i++) {
                    world.iommu.attach(world.device(i).source(), domain);
                }
                migrate(world, domain, new DirtyOptions(PAGE, lazily, true), seed);
                assertThat(domain.statistics().leaves().get(EmulatedWorld.M2)).isEqualTo(4);
            }
        }
    }

    private static void migrate(
            EmulatedWorld world, IommuDomain domain, DirtyOptions options, long seed)
            throws Exception {
        AtomicBoolean stopped = new AtomicBoolean();
        long[] copy = new long[WORDS];
        try (ExecutorService devices = Executors.newFixedThreadPool(2)) {
            List<Future<Void>> writing = startWriting(world, devices, seed, stopped);
            DirtyTracking tracking = domain.trackDirty(options);
            copy(world, copy, 0, PAGES);
            for (int round = 0; round < 12; round++) {
                round(world, domain, tracking, copy);
            }
            stopped.set(true);
            for (Future<Void> each : writing) {
                each.get();
            }
            round(world, domain, tracking, copy);
            requireEqual(world, copy, seed);
            stopped.set(false);
            writing = startWriting(world, devices, seed + SEEDS, stopped);
            tracking.close();
            stopped.set(true);
            for (Future<Void> each : writing) {
                each.get();
            }
        }
    }

    /** Devices write before tracking begins, and when it ends and pages become large again. */
    private static List<Future<Void>> startWriting(
            EmulatedWorld world, ExecutorService devices, long seed, AtomicBoolean stopped)
            throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(2);
        List<Future<Void>> writing = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Device device = world.device(i);
            SplittableRandom random = new SplittableRandom(seed * 2 + i);
            writing.add(devices.submit(write(device, random, begun, stopped)));
        }
        begun.await();
        return writing;
    }

    private static void requireEqual(EmulatedWorld world, long[] copy, long seed) {
        for (int i = 0; i < WORDS; i++) {
            if (copy[i] != world.peek(HOME + i * 8L)) {
                assertThat(copy[i])
                        .as("word %d, seed %d", i, seed)
                        .isEqualTo(world.peek(HOME + i * 8L));
            }
        }
    }

    private static Callable<Void> write(
            Device device, SplittableRandom random, CountDownLatch begun, AtomicBoolean stopped) {
        ByteBuffer old = ByteBuffer.allocate(8);
        return () -> {
            for (long value = 1; value < 64 || !stopped.get(); value++) {
                long at = random.nextInt(WORDS) * 8L;
                DmaOutcome outcome =
                        random.nextInt(4) == 0
                                ? device.fetchAndAdd(at, value, old.clear())
                                : EmulatedWorld.dmaWrite(device, at, value);
                assertThat(outcome.isDone()).isTrue();
                if (value == 32) {
                    begun.countDown();
                }
            }
            return null;
        };
    }

    /** Copies what was written since the last round. */
    private static void round(
            EmulatedWorld world, IommuDomain domain, DirtyTracking tracking, long[] copy) {
        BitSet dirty = new BitSet(PAGES);
        try (IotlbGather gather = domain.gather()) {
            tracking.readAndClear(
                    0,
                    BYTES,
                    (iova, size) -> dirty.set((int) (iova / PAGE), (int) ((iova + size) / PAGE)),
                    gather);
            domain.sync(gather).await();
        }
        dirty.stream().forEach(page -> copy(world, copy, page, page + 1));
    }

    private static void copy(EmulatedWorld world, long[] copy, int from, int to) {
        for (int i = from * PAGE / 8; i < to * PAGE / 8; i++) {
            copy[i] = world.peek(HOME + i * 8L);
        }
    }

    /** Dirty bits are kept for what is attached while writes are tracked, under any PASID. */
    @Test
    void D1_whatIsAttachedLaterIsTrackedToo() throws Exception {
        try (EmulatedWorld world =
                new EmulatedWorld(
                        machine(UnitMode.SECOND_STAGE, CacheBehaviour.KEEPS_EVERYTHING, 1))) {
            IommuDomain domain = world.domain();
            domain.map(0, HOME, BYTES, Access.READ_WRITE);
            Attachment before = world.iommu.attach(world.device(0).source(), domain);
            Device later = world.device(1).withPasid(7);
            try (DirtyTracking tracking = domain.trackDirty(new DirtyOptions(PAGE, false))) {
                Attachment during = world.iommu.attach(world.device(1).source(), 7, domain);
                EmulatedWorld.dmaWrite(world.device(0), 0x3000, 1);
                EmulatedWorld.dmaWrite(later, 0x5000, 1);
                assertThat(reported(domain, tracking)).containsExactly(0x3000L, 0x5000L);
                assertThat(reported(domain, tracking)).isEmpty();
                EmulatedWorld.dmaWrite(later, 0x5000, 2);
                assertThat(reported(domain, tracking)).containsExactly(0x5000L);
                during.close();
            }
            before.close();
        }
    }

    private static List<Long> reported(IommuDomain domain, DirtyTracking tracking) {
        List<Long> pages = new ArrayList<>();
        IotlbGather gather = domain.gather();
        tracking.readAndClear(
                0,
                BYTES,
                (iova, size) -> {
                    for (long page = iova; page < iova + size; page += PAGE) {
                        pages.add(page);
                    }
                },
                gather);
        domain.sync(gather).await();
        return pages;
    }

    @Test
    void whereNoUnitKeepsThemItIsRefused() {
        for (EmulatorOptions unit :
                List.of(
                        EmulatorOptions.legacy(),
                        EmulatorOptions.legacy().scalable(true).accessedDirty(false),
                        EmulatorOptions.legacy().scalable(true).pageWalkCoherent(false))) {
            try (EmulatedWorld world = new EmulatedWorld(unit)) {
                assertThat(world.iommu.capabilities().has(Feature.DIRTY_TRACKING)).isFalse();
                IommuDomain domain = world.domain();
                assertThatThrownBy(() -> domain.trackDirty(new DirtyOptions(PAGE, false)))
                        .isInstanceOfSatisfying(
                                UnsupportedFeatureException.class,
                                e -> assertThat(e.feature()).isEqualTo(Feature.DIRTY_TRACKING));
            }
        }
    }

    /** A unit that keeps none has no place in a domain whose writes are tracked. */
    @Test
    void L3_aUnitThatKeepsNoDirtyBitsIsRefused() {
        ScriptedMachine machine = new ScriptedMachine();
        ScriptedUnit keeps =
                machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP | 1L << 45);
        machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
        SourceId good = SourceId.parse("00:02.0");
        SourceId bad = SourceId.parse("01:02.0");
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            try (Attachment _ = iommu.attach(good, domain)) {
                keeps.carriedOut.clear();
                DirtyTracking tracking = domain.trackDirty(new DirtyOptions(PAGE, false));
                int id = 1;
                assertThat(keeps.carriedOut)
                        .startsWith(
                                Descriptor.pasidOf(id, 0),
                                Descriptor.translationsOf(
                                        new UnitCapabilities(
                                                ScriptedUnit.SCALABLE_CAP,
                                                ScriptedUnit.SCALABLE_ECAP),
                                        id));
                assertThatThrownBy(() -> iommu.attach(bad, domain))
                        .isInstanceOfSatisfying(
                                UnsupportedFeatureException.class,
                                e -> assertThat(e.feature()).isEqualTo(Feature.DIRTY_TRACKING));
                tracking.close();
            }
            try (Attachment _ = iommu.attach(bad, domain)) {
                assertThatThrownBy(() -> domain.trackDirty(new DirtyOptions(PAGE, false)))
                        .isInstanceOf(UnsupportedFeatureException.class)
                        .hasMessageContaining("keeps no dirty bits");
            }
        }
    }
}
