package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.qemu.QemuWorld.BLOCKED;
import static org.iommu4j.qemu.QemuWorld.G1;
import static org.iommu4j.qemu.QemuWorld.M2;
import static org.iommu4j.qemu.QemuWorld.dmaRead;
import static org.iommu4j.qemu.QemuWorld.dmaWrite;

import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.MachineFailureException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The driver on QEMU's unit in scalable mode: one process offers second-stage or first-stage
 * tables.
 */
@Timeout(120)
class ScalableModeTest {

    private static final long PAGE = 0x1000;
    private static final int FIRST_STAGE_SINCE = 10;
    private static final QemuOptions USUAL = QemuOptions.defaults().withMemory(2 * G1);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void M1_secondStageTranslatesAndSplits(boolean caching) {
        QemuOptions options = USUAL.withUnit(caching, false, TranslationMode.SCALABLE_SECOND);
        try (QemuWorld world = new QemuWorld(options)) {
            assertThat(isScalable(world)).isTrue();
            mapsSplitsAndForgets(world, Stage.SECOND);
        }
    }

    /** Where QEMU has no first-stage tables, it is QEMU that says so. */
    @Test
    void M1_firstStageTranslatesAndSplitsWhereQemuHasIt() {
        QemuOptions options = USUAL.withUnit(false, false, TranslationMode.SCALABLE_FIRST);
        if (Qemu.requireInstalled().major() < FIRST_STAGE_SINCE) {
            assertThatThrownBy(() -> QemuMachine.create(options))
                    .isInstanceOf(MachineFailureException.class)
                    .hasMessageContaining("QEMU does not start")
                    .hasMessageContaining("x-flts");
            return;
        }
        try (QemuWorld world = new QemuWorld(options)) {
            assertThat(isScalable(world)).isTrue();
            mapsSplitsAndForgets(world, Stage.FIRST);
        }
    }

    private static boolean isScalable(QemuWorld world) {
        long ecap = world.machine.remappingUnits().getFirst().registers().read64(0x10);
        return (ecap >>> 43 & 1) != 0;
    }

    private static void mapsSplitsAndForgets(QemuWorld world, Stage stage) {
        Device device = world.device(0);
        IommuDomain domain = world.iommu.createDomain(DomainOptions.defaults().withStage(stage));
        try (var _ = world.iommu.attach(device.source(), domain)) {
            domain.map(PAGE, 7 * PAGE, PAGE, Access.READ_WRITE);
            domain.map(M2, 2 * M2, M2, Access.READ_WRITE);
            domain.map(G1, G1, G1, Access.READ_WRITE);
            assertTranslates(world, device, PAGE, 7 * PAGE);
            for (long leaf : List.of(M2, G1)) {
                long physical = domain.translate(leaf);
                assertTranslates(world, device, leaf + 5 * PAGE, physical + 5 * PAGE);
                IotlbGather gather = domain.gather();
                domain.unmap(leaf + 5 * PAGE, PAGE, gather);
                assertThat(dmaRead(device, leaf + 5 * PAGE)).as("cached").isNotEqualTo(BLOCKED);
                domain.sync(gather).await();
                assertThat(dmaRead(device, leaf + 5 * PAGE)).isEqualTo(BLOCKED);
                assertTranslates(world, device, leaf + 4 * PAGE, physical + 4 * PAGE);
                assertTranslates(world, device, leaf + 6 * PAGE, physical + 6 * PAGE);
            }
            assertThat(dmaRead(device, 0)).isEqualTo(BLOCKED);
        }
        assertThat(dmaRead(device, M2)).isEqualTo(BLOCKED);
    }

    private static void assertTranslates(QemuWorld world, Device device, long iova, long physical) {
        world.poke(physical, iova);
        assertThat(dmaRead(device, iova)).isEqualTo(iova);
        assertThat(dmaWrite(device, iova, ~iova).isDone()).isTrue();
        assertThat(world.peek(physical)).isEqualTo(~iova);
    }
}
