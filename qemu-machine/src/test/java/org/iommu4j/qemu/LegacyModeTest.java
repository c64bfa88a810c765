package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.BLOCKED;
import static org.iommu4j.qemu.QemuWorld.G1;
import static org.iommu4j.qemu.QemuWorld.M2;
import static org.iommu4j.qemu.QemuWorld.dmaRead;
import static org.iommu4j.qemu.QemuWorld.dmaWrite;

import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The driver, as it is, on QEMU's unit in legacy mode. */
@Timeout(120)
class LegacyModeTest {

    private static final long PAGE = 0x1000;
    private static final int NO_WRITE = 5;
    private static final int NO_READ = 6;

    static Stream<Arguments> units() {
        QemuOptions usual = QemuOptions.defaults().withMemory(2 * G1);
        return Stream.of(39, 48)
                .flatMap(width ->
                        Stream.of(false, true)
                                .flatMap(caching ->
                                        Stream.of(false, true)
                                                .map(snoop ->
                                                        Arguments.of(
                                                                width,
                                                                caching,
                                                                snoop,
                                                                usual.withAddressWidth(width)
                                                                        .withUnit(
                                                                                caching,
                                                                                snoop,
                                                                                TranslationMode
                                                                                        .LEGACY)))));
    }

    @ParameterizedTest(name = "{0} bits, caching mode {1}, snoop control {2}")
    @MethodSource("units")
    void M1_everyPageSizeTranslatesAndNothingElse(
            int width, boolean caching, boolean snoop, QemuOptions options) {
        try (QemuWorld world = new QemuWorld(options)) {
            assertThat(world.iommu.capabilities().addressWidths()).contains(width);
            Device device = world.device(0);
            IommuDomain domain = world.domain();
            world.iommu.attach(device.source(), domain);
            Access access = snoop ? Access.READ_WRITE.withSnoop() : Access.READ_WRITE;
            assertThat(dmaRead(device, G1)).as("looked at before it is mapped").isEqualTo(BLOCKED);
            domain.map(PAGE, 7 * PAGE, PAGE, access);
            domain.map(M2, 2 * M2, M2, access);
            domain.map(G1, G1, G1, access);
            assertThat(domain.statistics().leaves().values()).containsOnly(1L);
            assertTranslates(world, device, PAGE, 7 * PAGE, PAGE);
            assertTranslates(world, device, M2, 2 * M2, M2);
            assertTranslates(world, device, G1, G1, G1);
            for (long absent : new long[] {0, 2 * PAGE, M2 - 8, 2 * M2, G1 - 8, 2 * G1}) {
                assertThat(dmaRead(device, absent)).isEqualTo(BLOCKED);
            }
        }
    }

    @ParameterizedTest(name = "{0} bits, caching mode {1}, snoop control {2}")
    @MethodSource("units")
    void U1_aHoleIsPunchedIntoEveryPageSize(
            int width, boolean caching, boolean snoop, QemuOptions options) {
        try (QemuWorld world = new QemuWorld(options)) {
            Device device = world.device(0);
            IommuDomain domain =
                    world.iommu.createDomain(DomainOptions.defaults().withAddressWidth(width));
            world.iommu.attach(device.source(), domain);
            domain.map(M2, 2 * M2, M2, Access.READ_WRITE);
            domain.map(G1, G1, G1, Access.READ_WRITE);
            for (long leaf : new long[] {M2, G1}) {
                long hole = leaf + 5 * PAGE;
                long physical = domain.translate(leaf);
                assertThat(dmaRead(device, hole)).isNotEqualTo(BLOCKED);
                domain.unmap(hole, PAGE);
                assertBlocked(device, hole, NO_READ, NO_WRITE);
                assertTranslates(world, device, hole - PAGE, physical + 4 * PAGE, PAGE);
                assertTranslates(world, device, hole + PAGE, physical + 6 * PAGE, PAGE);
                domain.map(hole, 3 * PAGE, PAGE, Access.READ);
                world.poke(3 * PAGE, 33);
                assertThat(dmaRead(device, hole)).isEqualTo(33);
                assertThat(dmaWrite(device, hole, 1).isDone()).isFalse();
                assertThat(world.peek(3 * PAGE)).isEqualTo(33);
            }
        }
    }

    @ParameterizedTest(name = "{0} bits, caching mode {1}, snoop control {2}")
    @MethodSource("units")
    void L2_detachAndAttachGoFromTablesToTables(
            int width, boolean caching, boolean snoop, QemuOptions options) {
        try (QemuWorld world = new QemuWorld(options)) {
            Device device = world.device(1);
            IommuDomain one = world.domain();
            IommuDomain other = world.domain();
            one.map(0, 0, M2, Access.READ_WRITE);
            other.map(0, M2, M2, Access.READ_WRITE);
            world.poke(8, 1);
            world.poke(M2 + 8, 2);
            for (int i = 0; i < 3; i++) {
                try (var _ = world.iommu.attach(device.source(), one)) {
                    assertThat(dmaRead(device, 8)).isEqualTo(1);
                }
                assertThat(dmaRead(device, 8)).isEqualTo(BLOCKED);
                try (var _ = world.iommu.attach(device.source(), other)) {
                    assertThat(dmaRead(device, 8)).isEqualTo(2);
                }
            }
        }
    }

    /** The unit keeps what it has translated: so the next tests prove something. */
    @Test
    void G2_aPageSelectiveInvalidationForgetsItsPagesAndNoOthers() {
        try (QemuWorld world = new QemuWorld(QemuOptions.defaults())) {
            Device device = world.device(0);
            IommuDomain domain = world.domain();
            world.iommu.attach(device.source(), domain);
            domain.map(0, 0, 16 * PAGE, Access.READ_WRITE);
            dmaRead(device, 4 * PAGE);
            dmaRead(device, 8 * PAGE);
            IotlbGather first = domain.gather();
            IotlbGather second = domain.gather();
            domain.unmap(4 * PAGE, PAGE, first);
            domain.unmap(8 * PAGE, PAGE, second);
            assertThat(dmaRead(device, 4 * PAGE)).as("still cached").isNotEqualTo(BLOCKED);
            domain.sync(first).await();
            assertThat(dmaRead(device, 4 * PAGE)).isEqualTo(BLOCKED);
            assertThat(dmaRead(device, 8 * PAGE)).as("still cached").isNotEqualTo(BLOCKED);
            domain.sync(second).await();
            assertThat(dmaRead(device, 8 * PAGE)).isEqualTo(BLOCKED);
        }
    }

    @Test
    void G2_aDomainSelectiveInvalidationForgetsTheDomainAndNoOther() {
        try (QemuWorld world =
                new QemuWorld(
                        QemuOptions.defaults(),
                        driver -> driver.with(FlushPolicyProvider.class, "domain"))) {
            IommuDomain here = world.domain();
            IommuDomain there = world.domain();
            world.iommu.attach(world.device(0).source(), here);
            world.iommu.attach(world.device(1).source(), there);
            here.map(0, 0, 16 * PAGE, Access.READ_WRITE);
            there.map(0, 0, 16 * PAGE, Access.READ_WRITE);
            IotlbGather first = here.gather();
            IotlbGather second = here.gather();
            IotlbGather third = there.gather();
            for (Device device : world.machine.devices()) {
                dmaRead(device, 4 * PAGE);
                dmaRead(device, 8 * PAGE);
            }
            here.unmap(4 * PAGE, PAGE, first);
            here.unmap(8 * PAGE, PAGE, second);
            there.unmap(4 * PAGE, PAGE, third);
            here.sync(first).await();
            assertThat(dmaRead(world.device(0), 4 * PAGE)).isEqualTo(BLOCKED);
            assertThat(dmaRead(world.device(0), 8 * PAGE)).isEqualTo(BLOCKED);
            assertThat(dmaRead(world.device(1), 4 * PAGE)).as("cached").isNotEqualTo(BLOCKED);
            second.close();
            there.sync(third).await();
            assertThat(dmaRead(world.device(1), 4 * PAGE)).isEqualTo(BLOCKED);
        }
    }

    @Test
    void aLongDmaEndsAtTheFirstBlockedPage() {
        try (QemuWorld world = new QemuWorld(QemuOptions.defaults())) {
            Device device = world.device(0);
            IommuDomain domain = world.domain();
            world.iommu.attach(device.source(), domain);
            domain.map(0, 0, 2 * PAGE, Access.READ_WRITE);
            ByteBuffer data = ByteBuffer.allocate(3 * (int) PAGE);
            for (int i = 0; i < data.capacity(); i++) {
                data.put(i, (byte) (i * 31 >>> 3));
            }
            data.position(5);
            assertThat(device.write(5, data)).isEqualTo(DmaOutcome.blocked(2 * PAGE, NO_WRITE));
            assertThat(data.position()).isEqualTo(2 * PAGE);
            ByteBuffer back = ByteBuffer.allocate(data.capacity());
            back.position(5);
            assertThat(device.read(5, back)).isEqualTo(DmaOutcome.blocked(2 * PAGE, NO_READ));
            assertThat(back.flip().position(5)).isEqualTo(data.flip().position(5));
        }
    }

    private static void assertTranslates(
            QemuWorld world, Device device, long iova, long physical, long size) {
        for (long offset : new long[] {0, size - 8}) {
            world.poke(physical + offset, iova + offset);
            assertThat(dmaRead(device, iova + offset)).isEqualTo(iova + offset);
            assertThat(dmaWrite(device, iova + offset, ~iova)).isEqualTo(DmaOutcome.DONE);
            assertThat(world.peek(physical + offset)).isEqualTo(~iova);
        }
    }

    private static void assertBlocked(Device device, long iova, int read, int write) {
        ByteBuffer word = ByteBuffer.allocate(8);
        assertThat(device.read(iova, word)).isEqualTo(DmaOutcome.blocked(iova, read));
        assertThat(dmaWrite(device, iova, 1)).isEqualTo(DmaOutcome.blocked(iova, write));
    }
}
