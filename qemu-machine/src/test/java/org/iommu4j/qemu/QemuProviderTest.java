package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QemuProviderTest {

    private static final long M1 = 1 << 20;

    @Test
    void aMachineIsMadeOfWhatWasAskedFor() {
        Qemu.requireInstalled();
        MachineProvider provider =
                Providers.choose(
                        MachineProvider.class,
                        "machine",
                        MachineProvider.providers(),
                        "qemu:devices=3,width=39,table-memory=2m,caching-mode=true");
        try (Machine machine = provider.create(4 * M1)) {
            assertThat(machine.devices()).hasSize(3).allMatch(device -> device.addressBits() == 32);
            assertThat(machine.hostAddressWidth()).isEqualTo(39);
            assertThat(machine.memory().size()).isEqualTo(6 * M1);
            assertThat(machine.tableMemory().start()).isEqualTo(4 * M1);
            assertThat(machine.tableMemory().size()).isEqualTo(2 * M1);
            assertThat(machine.sanitizer()).isEmpty();
            long cap = machine.remappingUnits().getFirst().registers().read64(8);
            assertThat(cap >>> 7 & 1).as("CAP.CM").isEqualTo(1);
            assertThat(cap >>> 8 & 0x1f).as("CAP.SAGAW: 39 bits").isEqualTo(2);
        }
    }

    @Test
    void allSixteenDevicesDoDma() {
        Qemu.requireInstalled();
        try (Machine machine = new QemuProvider().configured(Map.of("devices", "16")).create(M1)) {
            assertThat(machine.devices()).hasSize(16);
            for (Device device : machine.devices()) {
                long word = device.source().requester();
                assertThat(QemuWorld.dmaWrite(device, 8, word).isDone()).isTrue();
                assertThat(machine.memory().loadAcquire(8)).isEqualTo(word);
            }
        }
    }

    @Test
    void itIsNeverChosenWithoutBeingNamed() {
        assertThat(MachineProvider.providers().getFirst().name()).isNotEqualTo("qemu");
    }

    @ParameterizedTest
    @CsvSource({
        "width, 57",
        "devices, 17",
        "caching-mode, yes",
        "scalable, nested",
        "colour, red",
        "patience, 1h"
    })
    void whatIsNotLegalIsRefusedWithWhatIs(String key, String value) {
        assertThatThrownBy(() -> new QemuProvider().configured(Map.of(key, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(key + "=" + value)
                .hasMessageContaining("width=39|48");
    }

    @Test
    void memoryThatWouldEndInTheHoleIsRefused() {
        for (long memory : new long[] {0, 100, 0xb000_0000L, 3L << 30}) {
            assertThatThrownBy(() -> new QemuProvider().create(memory))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0x" + Long.toHexString(memory) + " bytes");
        }
    }
}
