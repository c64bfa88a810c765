package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.G1;
import static org.iommu4j.vtd.EmulatedWorld.M2;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.emulator.QueueTrouble;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is unmapped is gone for devices, and nothing else is, whatever the unit's caches do. */
@Timeout(60)
@ParameterizedClass
@EnumSource(UnitMode.class)
class DmaInvalidationTest {

    private final List<EmulatedWorld> worlds = new ArrayList<>();
    private final UnitMode mode;

    DmaInvalidationTest(UnitMode mode) {
        this.mode = mode;
    }

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        worlds.forEach(EmulatedWorld::close);
    }

    static Stream<Arguments> cachesWidthsAndPolicies() {
        return Stream.of(CacheBehaviour.KEEPS_EVERYTHING, CacheBehaviour.DROPS_ANYTHING)
                .flatMap(caches ->
                        Stream.of(
                                Arguments.of(caches, 39, "strict"),
                                Arguments.of(caches, 48, "strict:pages=1"),
                                Arguments.of(caches, 57, "strict"),
                                Arguments.of(caches, 48, "domain")));
    }

    @ParameterizedTest
    @MethodSource("cachesWidthsAndPolicies")
    void G2_pagesPunchedOutAreGoneAndTheirNeighboursStay(
            CacheBehaviour caches, int width, String policy) {
        EmulatedWorld world = world(EmulatorOptions.legacy().caches(caches).seed(width), policy);
        Device device = world.device(0);
        IommuDomain domain =
                world.iommu.createDomain(
                        DomainOptions.defaults().withAddressWidth(mode.width(width)));
        world.iommu.attach(device.source(), domain);
        domain.map(G1, 0, G1, Access.READ_WRITE);
        for (long page = 0; page < G1; page += M2) {
            world.poke(page, page + 1);
            assertThat(dmaRead(device, G1 + page)).isEqualTo(page + 1);
        }
        Random random = new Random(width);
        for (int i = 0; i < 100; i++) {
            long page = random.nextInt(512) * M2;
            domain.unmap(G1 + page, 0x1000);
            assertThat(dmaRead(device, G1 + page)).as("page 0x%x", page).isEqualTo(BLOCKED);
            assertThat(dmaRead(device, G1 + page + 0x1000)).isZero();
            domain.map(G1 + page, page + 0x1000, 0x1000, Access.READ);
            assertThat(dmaRead(device, G1 + page)).isZero();
            domain.unmap(G1 + page, 0x1000);
            domain.map(G1 + page, page, 0x1000, Access.READ_WRITE);
            assertThat(dmaRead(device, G1 + page)).isEqualTo(page + 1);
        }
        domain.unmap(G1, G1);
        assertThat(dmaRead(device, G1 + M2)).isEqualTo(BLOCKED);
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void everyGranularityForgetsWhatItSays(CacheBehaviour caches) {
        Captured captured = new Captured();
        EmulatedWorld world =
                world(
                        new EmulatedWorld(
                                mode.of(EmulatorOptions.legacy().units(2).caches(caches)),
                                options -> options.with(FlushPolicyProvider.class, captured)));
        IommuDomain domain = world.domain();
        for (Device device : world.machine.devices()) {
            world.iommu.attach(device.source(), domain);
        }
        IotlbInvalidator unit = captured.invalidator();
        assertThat(unit.maxOrder()).isEqualTo(18);
        for (int i = 0; i < 30; i++) {
            domain.map(0, 0, M2, Access.READ);
            for (Device device : world.machine.devices()) {
                assertThat(dmaRead(device, 0x5000)).isZero();
            }
            try (IotlbGather gather = domain.gather()) {
                domain.unmap(0, M2, gather);
                long ticket =
                        switch (i % 3) {
                            case 0 -> unit.invalidatePages(1, 0, 9, false);
                            case 1 -> unit.invalidateDomain(1);
                            default -> unit.invalidateGlobal();
                        };
                unit.await(ticket);
                assertThat(unit.isDone(ticket)).isTrue();
                for (Device device : world.machine.devices()) {
                    assertThat(dmaRead(device, 0x5000)).isEqualTo(BLOCKED);
                }
            }
        }
        int withSyncs = 10 + 30;
        assertThat(domain.statistics().invalidations())
                .isEqualTo(new DomainStatistics.Invalidations(10, withSyncs, 10));
    }

    @Test
    void G4_aUnitWithoutPageSelectionIsAskedForTheDomain() {
        EmulatedWorld world = world(EmulatorOptions.legacy().pageSelective(false), "strict");
        punch(world);
        assertThat(world.registers(0).read64(UnitRegisters.CAP) >>> 39 & 1).isZero();
    }

    @Test
    void G4_aSmallAddressMaskIsKept() {
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .maxAddressMask(4)
                                .caches(CacheBehaviour.KEEPS_EVERYTHING),
                        "strict");
        punch(world);
    }

    private static void punch(EmulatedWorld world) {
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0, 0, G1, Access.READ);
        assertThat(dmaRead(device, 0x5000)).isZero();
        domain.unmap(0x5000, 0x1000);
        assertThat(dmaRead(device, 0x5000)).isEqualTo(BLOCKED);
        domain.map(0x5000, 0x5000, 0x1000, Access.READ);
        assertThat(dmaRead(device, 0x5000)).isZero();
        domain.unmap(0x5000, 0x1000);
        assertThat(dmaRead(device, 0x5000)).isEqualTo(BLOCKED);
        DomainStatistics.Invalidations sent = domain.statistics().invalidations();
        assertThat(sent.domain()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void S7_aUnitThatDoesNotSnoopSeesEverythingInTime(boolean cachingMode) {
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .coherent(false)
                                .cachingMode(cachingMode)
                                .caches(CacheBehaviour.DROPS_ANYTHING),
                        "strict");
        assertThat(world.iommu.capabilities().has(Feature.COHERENT_WALKS)).isFalse();
        mapUseUnmap(world);
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void G5_whatWasAbsentAndIsMappedCanBeUsedAtOnce(CacheBehaviour caches) {
        EmulatedWorld world =
                world(EmulatorOptions.legacy().cachingMode(true).caches(caches), "strict");
        mapUseUnmap(world);
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void M8_whatIsMappedHasLeftTheWriteBuffer(CacheBehaviour caches) {
        EmulatedWorld world =
                world(EmulatorOptions.legacy().writeBufferFlush(true).caches(caches), "domain");
        mapUseUnmap(world);
    }

    /** Every address is tried when nothing is there, mapped, used, and taken away. */
    private static void mapUseUnmap(EmulatedWorld world) {
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        Random random = new Random(11);
        for (int i = 0; i < 400; i++) {
            long size = i % 5 == 0 ? M2 : 0x1000L * (1L + random.nextInt(16));
            long iova = random.nextInt(64) * (2 * M2);
            long at = iova + (random.nextLong(size) & ~7L);
            world.poke(M2 + at - iova, i);
            assertThat(dmaRead(device, at)).isEqualTo(BLOCKED);
            if (i % 3 == 0) {
                IotlbGather gather = domain.gather();
                if (i % 2 == 0) {
                    assertThat(domain.tryMap(iova, M2, size, Access.READ_WRITE, gather)).isTrue();
                } else {
                    domain.map(iova, M2, size, Access.READ_WRITE, gather);
                }
                domain.sync(gather).await();
            } else {
                domain.map(iova, M2, size, Access.READ_WRITE);
            }
            assertThat(dmaRead(device, at)).as("round %d, 0x%x", i, at).isEqualTo(i);
            assertThat(domain.unmap(iova, size)).isEqualTo(size);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = QueueTrouble.class,
            names = {"COMPLETION_ERROR", "TIMED_OUT", "STANDS_STILL"})
    void G1_theQueueGoesOnAfterTrouble(QueueTrouble trouble) {
        AtomicInteger asked = new AtomicInteger();
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .caches(CacheBehaviour.KEEPS_EVERYTHING)
                                .queueThread(trouble == QueueTrouble.STANDS_STILL)
                                .queueTrouble(() ->
                                        asked.incrementAndGet() % 7 == 0
                                                ? trouble
                                                : QueueTrouble.NONE),
                        "strict");
        mapUseUnmap(world);
        assertThat(asked).hasValueGreaterThan(100);
    }

    @Test
    void G1_aRefusedInvalidationFreesNothingAndIsRepeated() {
        AtomicInteger refuse = new AtomicInteger();
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .caches(CacheBehaviour.KEEPS_EVERYTHING)
                                .queueTrouble(() ->
                                        refuse.getAndUpdate(n -> Math.max(0, n - 1)) > 0
                                                ? QueueTrouble.QUEUE_ERROR
                                                : QueueTrouble.NONE),
                        "strict");
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0, 0, M2, Access.READ);
        domain.map(M2, M2, M2, Access.READ);
        for (long at = 0; at < 2 * M2; at += M2) {
            assertThat(dmaRead(device, at)).isZero();
        }
        refuse.set(1);
        assertThatThrownBy(() -> domain.unmap(0, M2))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("refused the invalidation descriptor")
                .hasMessageContaining("IQE");
        domain.unmap(M2, M2);
        assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
        assertThat(dmaRead(device, M2)).isEqualTo(BLOCKED);
    }

    @Test
    void T3_aUnitThatAbortsEveryWaitEndsTheCallAndFreesNothing() {
        AtomicReference<QueueTrouble> trouble = new AtomicReference<>(QueueTrouble.NONE);
        EmulatedWorld world = world(EmulatorOptions.legacy().queueTrouble(trouble::get), "strict");
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0, 0, M2, Access.READ);
        assertThat(dmaRead(device, 0)).isZero();
        trouble.set(QueueTrouble.TIMED_OUT);
        assertThatThrownBy(() -> domain.unmap(0, M2))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("aborted the wait")
                .hasMessageContaining("ITE");
        trouble.set(QueueTrouble.NONE);
        domain.map(M2, M2, M2, Access.READ);
        domain.unmap(M2, M2);
        assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
    }

    private EmulatedWorld world(EmulatorOptions options, String policy) {
        return world(
                new EmulatedWorld(
                        mode.of(options),
                        chosen -> chosen.with(FlushPolicyProvider.class, policy)));
    }

    private EmulatedWorld world(EmulatedWorld world) {
        worlds.add(world);
        return world;
    }

    /** Provides the policy {@code domain}, and lets a test have what it drives. */
    private static final class Captured implements FlushPolicyProvider {

        private final List<IotlbInvalidator> invalidators = new ArrayList<>();

        @Override
        public String name() {
            return "captured";
        }

        @Override
        public FlushPolicy create(FlushContext context) {
            invalidators.add(context.invalidator());
            return FlushPolicyProvider.providers().stream()
                    .filter(provider -> provider.name().equals("domain"))
                    .findFirst()
                    .orElseThrow()
                    .create(context);
        }

        IotlbInvalidator invalidator() {
            return invalidators.getFirst();
        }
    }
}
