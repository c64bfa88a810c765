package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.G1;
import static org.iommu4j.vtd.EmulatedWorld.M2;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.emulator.CacheBehaviour;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices come onto domains and leave them, seen through their DMA. */
@Timeout(60)
@ParameterizedClass
@EnumSource(UnitMode.class)
class AttachmentTest {

    private final List<EmulatedWorld> worlds = new ArrayList<>();
    private final UnitMode mode;

    AttachmentTest(UnitMode mode) {
        this.mode = mode;
    }

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        worlds.forEach(EmulatedWorld::close);
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void L2_dmaGoesThroughTheDomainUntilDetach(CacheBehaviour caches) {
        EmulatedWorld world = world(EmulatorOptions.legacy().caches(caches).seed(7));
        Device device = world.device(0);
        assertThat(dmaRead(device, 0x1000)).isEqualTo(BLOCKED);
        IommuDomain domain = world.domain();
        domain.map(0x1000, 0x5000, 0x1000, Access.READ_WRITE);
        domain.map(G1, M2, M2, Access.READ_WRITE);
        world.poke(0x5010, 77);
        try (Attachment attachment = world.iommu.attach(device.source(), domain)) {
            assertThat(attachment.device()).isEqualTo(device.source());
            assertThat(attachment.domain()).isSameAs(domain);
            assertThat(dmaRead(device, 0x1010)).isEqualTo(77);
            assertThat(dmaWrite(device, G1 + 0x12340, 78).isDone()).isTrue();
            assertThat(world.peek(M2 + 0x12340)).isEqualTo(78);
            assertThat(dmaRead(device, 0x2000)).isEqualTo(BLOCKED);
            assertThat(dmaRead(world.device(1), 0x1000)).isEqualTo(BLOCKED);
        }
        assertThat(dmaRead(device, 0x1010)).isEqualTo(BLOCKED);
        assertThat(dmaRead(device, G1)).isEqualTo(BLOCKED);
        domain.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void L2_detachDrainsWhatWasDeferred(boolean ofTheDomainsOwn) {
        String policy = "deferred:age=10s";
        EmulatedWorld world =
                new EmulatedWorld(
                        mode.of(EmulatorOptions.legacy().caches(CacheBehaviour.KEEPS_EVERYTHING)),
                        options ->
                                ofTheDomainsOwn
                                        ? options
                                        : options.with(FlushPolicyProvider.class, policy));
        worlds.add(world);
        DomainOptions options = DomainOptions.defaults().withEmptyTables(0);
        IommuDomain domain =
                world.iommu.createDomain(
                        ofTheDomainsOwn
                                ? options.with(FlushPolicyProvider.class, policy)
                                : options);
        domain.map(0, M2, M2, Access.READ);
        Attachment attachment = world.iommu.attach(world.device(0).source(), domain);
        assertThat(dmaRead(world.device(0), 0x1000)).isZero();
        IotlbGather gather = domain.gather();
        domain.unmap(0, M2, gather);
        FlushCompletion completion = domain.sync(gather);
        assertThat(completion.isDone()).isFalse();
        long tables = domain.statistics().tablePages();
        attachment.close();
        assertThat(completion.isDone()).isTrue();
        assertThat(domain.statistics().tablePages()).isLessThan(tables);
        domain.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDeviceMovesFromDomainToDomain(boolean cachingMode) {
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .cachingMode(cachingMode)
                                .caches(CacheBehaviour.KEEPS_EVERYTHING));
        Device device = world.device(0);
        IommuDomain first = world.domain();
        IommuDomain second =
                world.iommu.createDomain(DomainOptions.defaults().withAddressWidth(mode.width(57)));
        first.map(0, 0, M2, Access.READ);
        second.map(0, M2, M2, Access.READ);
        world.poke(8, 1);
        world.poke(M2 + 8, 2);
        for (int i = 0; i < 5; i++) {
            assertThat(dmaRead(device, 8)).isEqualTo(BLOCKED);
            try (Attachment _ = world.iommu.attach(device.source(), first)) {
                assertThat(dmaRead(device, 8)).isEqualTo(1);
            }
            assertThat(dmaRead(device, 8)).isEqualTo(BLOCKED);
            try (Attachment _ = world.iommu.attach(device.source(), second)) {
                assertThat(dmaRead(device, 8)).isEqualTo(2);
            }
        }
    }

    @Test
    void G7_aDomainOnTwoUnitsIsUnmappedOnBoth() {
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .units(2)
                                .devices(4)
                                .caches(CacheBehaviour.KEEPS_EVERYTHING));
        IommuDomain domain = world.domain();
        domain.map(0, 0, G1, Access.READ_WRITE);
        List<Attachment> attachments = new ArrayList<>();
        for (Device device : world.machine.devices()) {
            attachments.add(world.iommu.attach(device.source(), domain));
            assertThat(dmaRead(device, 0x3000)).isZero();
        }
        domain.unmap(0x3000, 0x1000);
        for (Device device : world.machine.devices()) {
            assertThat(dmaRead(device, 0x3000)).isEqualTo(BLOCKED);
            assertThat(dmaRead(device, 0x4000)).isZero();
        }
        assertThat(domain.statistics().invalidations().page()).isEqualTo(1);
        attachments.get(1).close();
        domain.map(0x3000, 0x3000, 0x1000, Access.READ);
        assertThat(dmaRead(world.device(0), 0x3000)).isZero();
        assertThat(dmaRead(world.device(1), 0x3000)).isEqualTo(BLOCKED);
        assertThat(dmaRead(world.device(3), 0x3000)).isZero();
        domain.unmap(0, G1);
        for (Device device : world.machine.devices()) {
            assertThat(dmaRead(device, 0x5000)).isEqualTo(BLOCKED);
        }
    }

    @Test
    void whatCannotBeAttachedIsRefused() {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        SourceId device = world.device(0).source();
        IommuDomain domain = world.domain();
        Attachment attachment = world.iommu.attach(device, domain);
        assertThatThrownBy(() -> world.iommu.attach(device, world.domain()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("0000:00:01.0 is attached to the domain with the id 0x1");
        assertThatThrownBy(domain::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 device attached");
        assertThat(domain.translate(0)).isEqualTo(IommuDomain.NOT_MAPPED);
        attachment.close();
        attachment.close();
        domain.close();
        assertThatThrownBy(() -> world.iommu.attach(device, domain))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> world.iommu.attach(SourceId.parse("0001:77:01.0"), world.domain()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no remapping unit covers 0001:77:01.0");
        try (Iommu other = Iommu.open("vtd", IommuOptions.memoryOnly(1 << 20));
                IommuDomain foreign = other.createDomain(DomainOptions.defaults())) {
            assertThatThrownBy(() -> world.iommu.attach(device, foreign))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("another Iommu");
        }
        world.iommu.close();
        assertThatThrownBy(() -> world.iommu.attach(device, domain))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void domainIdsRunOutAndComeBack() {
        EmulatedWorld world =
                world(
                        EmulatorOptions.legacy()
                                .domainIdBits(4)
                                .caches(CacheBehaviour.KEEPS_EVERYTHING));
        Device device = world.device(0);
        List<IommuDomain> domains = new ArrayList<>();
        for (int i = 1; i < 16; i++) {
            domains.add(world.domain());
        }
        assertThatThrownBy(world::domain)
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("all 15 domain ids of the remapping units are taken");
        for (int i = 0; i < 40; i++) {
            IommuDomain domain = domains.removeFirst();
            long physical = (i + 1L) * M2;
            domain.map(0, physical, M2, Access.READ);
            world.poke(physical, i);
            try (Attachment _ = world.iommu.attach(device.source(), domain)) {
                assertThat(dmaRead(device, 0)).isEqualTo(i);
            }
            domain.close();
            domains.add(world.domain());
        }
    }

    @Test
    void L2_closingTheIommuDetachesEverything() {
        EmulatedWorld world = world(EmulatorOptions.legacy().units(2));
        IommuDomain domain = world.domain();
        domain.map(0, 0, M2, Access.READ);
        Attachment first = world.iommu.attach(world.device(0).source(), domain);
        world.iommu.attach(world.device(1).source(), domain);
        world.iommu.close();
        assertThatThrownBy(() -> domain.translate(0)).isInstanceOf(IllegalStateException.class);
        first.close();
    }

    @Test
    void anIommuIsOpenedAgainOnTheSameMachine() {
        EmulatedWorld world = world(EmulatorOptions.legacy());
        Device device = world.device(0);
        world.iommu.close();
        for (int i = 0; i < 3; i++) {
            try (Iommu again = Iommu.open("vtd", IommuOptions.on(world.machine));
                    IommuDomain domain = again.createDomain(DomainOptions.defaults())) {
                domain.map(0, 0x10_0000, 0x1000, Access.READ_WRITE);
                try (Attachment _ = again.attach(device.source(), domain)) {
                    assertThat(dmaWrite(device, 0, i).isDone()).isTrue();
                }
                assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
            }
            assertThat(world.peek(0x10_0000)).isEqualTo(i);
        }
    }

    @Test
    void L1_anIommuThatWasNotClosedIsTakenOver() {
        try (EmulatedMachine machine = EmulatedMachine.create(mode.of(EmulatorOptions.legacy()))) {
            Iommu forgotten = Iommu.open("vtd", IommuOptions.on(machine));
            IommuDomain old = forgotten.createDomain(DomainOptions.defaults());
            old.map(0, 0, M2, Access.READ);
            Device device = machine.devices().getFirst();
            forgotten.attach(device.source(), old);
            assertThat(dmaRead(device, 0)).isZero();
            try (Iommu iommu = Iommu.open("vtd", IommuOptions.on(machine))) {
                assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
                assertThat(iommu.capabilities().addressWidths()).contains(mode.width(48));
            }
        }
    }

    private EmulatedWorld world(EmulatorOptions options) {
        EmulatedWorld world = new EmulatedWorld(mode.of(options));
        worlds.add(world);
        return world;
    }
}
