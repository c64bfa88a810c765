package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.qemu.QemuWorld.G1;

import java.nio.ByteBuffer;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where memory is, by what a device reaches while nothing is translated. */
class RamTest {

    private static final long M1 = 1 << 20;
    private static final QemuOptions SMALL =
            QemuOptions.defaults().withTableMemory(M1).withDevices(1);

    @Test
    void everyPageOfTheFirstMegabytesIsMemory() {
        try (QemuMachine machine = Qemu.start(SMALL.withMemory(M1))) {
            for (long page = 0; page < 2 * M1; page += PhysicalMemory.PAGE_SIZE) {
                assertReaches(machine, page);
            }
        }
    }

    @Test
    void withMoreThanFitsBelowThereIsAHoleAsInAPc() {
        try (QemuMachine machine = Qemu.start(SMALL.withMemory(6 * G1))) {
            assertThat(machine.memory().size()).isEqualTo(6 * G1 + M1);
            assertThat(machine.tableMemory().start()).isEqualTo(6 * G1);
            assertReaches(machine, 2 * G1 - 8);
            Device device = machine.devices().getFirst();
            for (long hole : new long[] {2 * G1, 3 * G1 - 8}) {
                assertThat(device.read(hole, ByteBuffer.allocate(8)))
                        .isEqualTo(DmaOutcome.blocked(hole, DmaOutcome.UNKNOWN));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x40000000, 0x40000000, 0x40200000",
        "0x80000000, 0x80000000, 0x80200000",
        "0xaf000000, 0xaf000000, 0xaf200000",
        "0x100000000, 0x100000000, 0xb0000000",
        "0x200000000, 0x200000000, 0x180200000"
    })
    void theFileIsAsLargeAsQemuWantsIt(String memory, String tables, String file) {
        Ram ram = Ram.of(SMALL.withMemory(Long.decode(memory)));
        assertThat(ram.tableStart()).isEqualTo(Long.decode(tables));
        assertThat(ram.fileBytes()).isEqualTo(Long.decode(file));
    }

    @Test
    void memoryWiderThanAddressesIsRefused() {
        assertThatThrownBy(() -> Ram.of(SMALL.withAddressWidth(39).withMemory(512 * G1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0x8000000000 bytes of memory")
                .hasMessageContaining("up to 0x8000000000");
    }

    private static void assertReaches(QemuMachine machine, long physical) {
        Device device = machine.devices().getFirst();
        assertThat(QemuWorld.dmaWrite(device, physical, ~physical)).isEqualTo(DmaOutcome.DONE);
        assertThat(machine.memory().loadAcquire(physical)).isEqualTo(~physical);
        machine.memory().storeRelease(physical, physical + 1);
        assertThat(QemuWorld.dmaRead(device, physical)).isEqualTo(physical + 1);
    }
}
