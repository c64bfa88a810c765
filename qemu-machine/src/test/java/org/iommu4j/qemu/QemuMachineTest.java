package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.BLOCKED;
import static org.iommu4j.qemu.QemuWorld.M2;
import static org.iommu4j.qemu.QemuWorld.dmaRead;
import static org.iommu4j.qemu.QemuWorld.dmaWrite;

import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.junit.jupiter.api.Test;

class QemuMachineTest {

    @Test
    void aDmaGoesThroughAMapping() {
        try (QemuWorld world = new QemuWorld(QemuOptions.defaults())) {
            IommuDomain domain = world.domain();
            domain.map(M2, 2 * M2, M2, Access.READ_WRITE);
            try (var _ = world.iommu.attach(world.device(0).source(), domain)) {
                assertThat(dmaWrite(world.device(0), M2 + 0x1238, 0x1122334455667788L).isDone())
                        .isTrue();
                assertThat(world.peek(2 * M2 + 0x1238)).isEqualTo(0x1122334455667788L);
                world.poke(2 * M2, 42);
                assertThat(dmaRead(world.device(0), M2)).isEqualTo(42);
                assertThat(dmaRead(world.device(0), 0)).isEqualTo(BLOCKED);
                System.out.println(dmaWrite(world.device(0), 0, 1));
                System.out.println(dmaWrite(world.device(1), 0, 1));
                domain.unmap(M2, 0x1000);
                assertThat(dmaRead(world.device(0), M2)).isEqualTo(BLOCKED);
            }
        }
    }
}
