package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.G1;
import static org.iommu4j.vtd.EmulatedWorld.M2;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Devices whose requests go through several domains at once, by process address space ids. */
@Timeout(60)
class PasidTest {

    private static final long SEED = 20_261_123;
    private static final int PLAIN = SourceId.NO_PASID;

    private final List<EmulatedWorld> worlds = new ArrayList<>();

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        worlds.forEach(EmulatedWorld::close);
    }

    static Stream<Arguments> units() {
        EmulatorOptions scalable = EmulatorOptions.legacy().scalable(true);
        return Stream.of(CacheBehaviour.KEEPS_EVERYTHING, CacheBehaviour.DROPS_ANYTHING)
                .map(caches -> scalable.caches(caches).seed(SEED))
                .flatMap(unit ->
                        Stream.of(
                                Arguments.of("coherent", unit),
                                Arguments.of("caching mode", unit.cachingMode(true)),
                                Arguments.of("non-coherent", unit.coherent(false)),
                                Arguments.of(
                                        "non-coherent, caching mode",
                                        unit.coherent(false).cachingMode(true)),
                                Arguments.of("write buffer", unit.writeBufferFlush(true))));
    }

    /** What a request finds: each domain maps address 0 to a page that holds a word of its own. */
    private static long ask(Device device, int pasid) {
        return dmaRead(pasid == PLAIN ? device : device.withPasid(pasid), 0);
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("units")
    void L2_idsComeAndGoEachAlone(String name, EmulatorOptions options) {
        EmulatedWorld world = world(options);
        List<IommuDomain> domains = new ArrayList<>();
        for (Stage stage : List.of(Stage.FIRST, Stage.SECOND, Stage.FIRST, Stage.SECOND)) {
            long page = (1L + domains.size()) * M2;
            world.poke(page, page);
            domains.add(world.iommu.createDomain(DomainOptions.defaults().withStage(stage)));
            domains.getLast().map(0, page, M2, Access.READ_WRITE);
        }
        Random random = new Random(SEED);
        int[] pasids = {PLAIN, 1, 63, 64, 0x7fff};
        Map<Integer, Attachment> attached = new LinkedHashMap<>();
        Device device = world.device(0);
        for (int round = 0; round < 100; round++) {
            int pasid = pasids[random.nextInt(pasids.length)];
            Attachment present = attached.remove(pasid);
            if (present != null) {
                present.close();
            } else {
                IommuDomain domain = domains.get(random.nextInt(domains.size()));
                attached.put(pasid, attach(world, device, pasid, domain));
            }
            for (int each : pasids) {
                Attachment attachment = attached.get(each);
                long expected = attachment == null ? BLOCKED : attachment.domain().translate(0);
                assertThat(ask(device, each))
                        .as("round %d, PASID 0x%x, seed %d", round, each, SEED)
                        .isEqualTo(expected);
            }
            assertThat(ask(device, 2)).isEqualTo(BLOCKED);
        }
        attached.values().forEach(Attachment::close);
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("units")
    void G7_anUnmapReachesEveryIdOfEveryDevice(String name, EmulatorOptions options) {
        for (Stage stage : List.of(Stage.FIRST, Stage.SECOND)) {
            EmulatedWorld world = world(options.units(2).devices(4));
            IommuDomain domain =
                    world.iommu.createDomain(DomainOptions.defaults().withStage(stage));
            domain.map(0, 0, G1, Access.READ_WRITE);
            List<Device> views = new ArrayList<>();
            for (Device device : world.machine.devices()) {
                for (int pasid : new int[] {PLAIN, 5, 77}) {
                    attach(world, device, pasid, domain);
                    views.add(pasid == PLAIN ? device : device.withPasid(pasid));
                }
            }
            for (long page = 0x3000; page < 0x10_000; page += 0x2000) {
                for (Device view : views) {
                    assertThat(dmaRead(view, page)).isZero();
                }
                domain.unmap(page, 0x1000);
                for (Device view : views) {
                    assertThat(dmaRead(view, page)).isEqualTo(BLOCKED);
                    assertThat(dmaRead(view, page + 0x1000)).isZero();
                }
            }
            domain.unmap(0, G1);
            for (Device view : views) {
                assertThat(dmaRead(view, 0)).isEqualTo(BLOCKED);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(UnitMode.class)
    void L2_passThroughReachesAllMemoryUntilDetach(UnitMode mode) {
        for (boolean cachingMode : new boolean[] {false, true}) {
            EmulatedWorld world =
                    world(
                            mode.of(
                                    EmulatorOptions.legacy()
                                            .cachingMode(cachingMode)
                                            .caches(CacheBehaviour.KEEPS_EVERYTHING)));
            Device device = world.device(0);
            IommuDomain through =
                    world.iommu.createDomain(
                            DomainOptions.defaults().withStage(Stage.PASS_THROUGH));
            IommuDomain translated = world.domain();
            translated.map(0x5000, M2, 0x1000, Access.READ);
            world.poke(0x5008, 1);
            world.poke(M2 + 8, 2);
            for (int i = 0; i < 3; i++) {
                assertThat(dmaRead(device, 0x5008)).isEqualTo(BLOCKED);
                try (Attachment _ = world.iommu.attach(device.source(), through)) {
                    assertThat(dmaRead(device, 0x5008)).isEqualTo(1);
                    assertThat(dmaWrite(device, 0x7008, i).isDone()).isTrue();
                    assertThat(world.peek(0x7008)).isEqualTo(i);
                }
                assertThat(dmaRead(device, 0x7008)).isEqualTo(BLOCKED);
                try (Attachment _ = world.iommu.attach(device.source(), translated)) {
                    assertThat(dmaRead(device, 0x5008)).isEqualTo(2);
                    assertThat(dmaRead(device, 0x7008)).isEqualTo(BLOCKED);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void S4_bitsThatTheUnitSetStayThroughASplit(CacheBehaviour caches) {
        EmulatedWorld world =
                world(UnitMode.FIRST_STAGE.of(EmulatorOptions.legacy().caches(caches)));
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        attach(world, device, PLAIN, domain);
        domain.map(0, M2, M2, Access.READ_WRITE);
        domain.map(M2, 0, M2, Access.READ_WRITE);
        assertThat(leaf(world, domain, 0x9000) & 0x60).isZero();
        assertThat(dmaRead(device, M2 + 0x9000)).isZero();
        assertThat(dmaWrite(device, 0x9000, 1).isDone()).isTrue();
        assertThat(leaf(world, domain, 0x9000) & 0xe7).isEqualTo(0xe7);
        domain.unmap(0x5000, 0x1000);
        domain.unmap(M2 + 0x5000, 0x1000);
        for (long page = 0; page < M2; page += 0x1000) {
            long expected = page == 0x5000 ? 0 : M2 + page | 0x67;
            assertThat(leaf(world, domain, page)).isEqualTo(expected);
            assertThat(leaf(world, domain, M2 + page) & 0x60).isEqualTo(page == 0x5000 ? 0 : 0x20);
        }
        assertThat(dmaWrite(device, 0x9000, 2).isDone()).isTrue();
    }

    /** Walks by hand to the leaf of a first-stage domain of four levels. */
    private static long leaf(EmulatedWorld world, IommuDomain domain, long iova) {
        long entry = ((VtdDomain) domain).root();
        for (int shift = 39; shift >= 12; shift -= 9) {
            entry = world.peek((entry & 0xf_ffff_ffff_f000L) + (iova >>> shift & 0x1ff) * 8);
            if ((entry & 1) == 0 || (entry & 0x80) != 0) {
                return entry;
            }
        }
        return entry;
    }

    @Test
    void S1_aSplitInTheFirstStageKeepsEveryOtherPage() {
        EmulatedWorld world =
                world(
                        UnitMode.FIRST_STAGE.of(
                                EmulatorOptions.legacy()
                                        .caches(CacheBehaviour.DROPS_ANYTHING)
                                        .seed(SEED)));
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        attach(world, device, PLAIN, domain);
        domain.map(G1, 0, G1, Access.READ_WRITE);
        try (IotlbGather gather = domain.gather()) {
            for (long page = 0; page < G1; page += G1 / 64) {
                domain.cut(G1 + page, 0x1000, gather);
                for (long at = 0; at < G1; at += M2) {
                    assertThat(dmaWrite(device, G1 + at, at).isDone()).isTrue();
                    assertThat(world.peek(at)).isEqualTo(at);
                }
            }
        }
    }

    @Test
    void L1_anIommuIsClosedWithIdsAttached() {
        EmulatedWorld world = world(EmulatorOptions.legacy().scalable(true));
        IommuDomain domain = world.domain();
        domain.map(0, 0, M2, Access.READ);
        for (Device device : world.machine.devices()) {
            attach(world, device, PLAIN, domain);
            for (int pasid = 1; pasid < 0x8000; pasid <<= 1) {
                attach(world, device, pasid, domain);
            }
            assertThat(ask(device, 0x4000)).isZero();
        }
        assertThatThrownBy(domain::close).hasMessageContaining("32 devices attached");
        world.iommu.close();
    }

    private static Attachment attach(
            EmulatedWorld world, Device device, int pasid, IommuDomain domain) {
        return pasid == PLAIN
                ? world.iommu.attach(device.source(), domain)
                : world.iommu.attach(device.source(), pasid, domain);
    }

    private EmulatedWorld world(EmulatorOptions options) {
        EmulatedWorld world = new EmulatedWorld(options);
        worlds.add(world);
        return world;
    }
}
