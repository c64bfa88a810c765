package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a machine is asked for, and what comes. */
class EmulatorProviderTest {

    @Test
    void isFoundAndPreferred() {
        MachineProvider provider = Providers.preferred("machine", MachineProvider.providers());
        assertThat(provider.name()).isEqualTo("emulator");
        try (Machine machine = provider.create(64 << 20)) {
            assertThat(machine.memory().size()).isEqualTo(128L << 20);
            assertThat(machine.tableMemory().start()).isEqualTo(64 << 20);
            assertThat(machine.tableMemory().size()).isEqualTo(64 << 20);
            assertThat(machine.hostAddressWidth()).isEqualTo(46);
            assertThat(machine.remappingUnits()).hasSize(1);
            assertThat(machine.devices())
                    .extracting(device -> device.source().toString())
                    .containsExactly("0000:00:01.0", "0000:00:02.0");
        }
    }

    @Test
    void parametersSetOptions() {
        String choice =
                "emulator:units=2,devices=3,coherent=false,caching-mode=true,"
                        + "write-buffer-flush=true,widths=39+48,page-sizes=4K+2M,domain-id-bits=8,"
                        + "host-width=40,max-address-mask=9,fault-records=1,iotlb-entries=64,"
                        + "paging-structure-entries=16,replacement=any,caches=keeps-everything,seed=0x7,"
                        + "drains=false,snoop-control=true,queue-thread=true,sanitizer=false,"
                        + "table-memory=0x1000000,page-selective=true";
        MachineProvider provider =
                Providers.choose(
                        MachineProvider.class, "machine", MachineProvider.providers(), choice);
        try (Machine machine = provider.create(16 << 20)) {
            assertThat(machine.remappingUnits()).hasSize(2);
            assertThat(machine.devices()).hasSize(3);
            assertThat(machine.hostAddressWidth()).isEqualTo(40);
            assertThat(machine.tableMemory().size()).isEqualTo(16 << 20);
            assertThat(machine.sanitizer()).isEmpty();
            long cap = machine.remappingUnits().getFirst().registers().read64(Rig.CAP);
            assertThat(cap)
                    .isEqualTo(
                            2
                                    | 1 << 4
                                    | 1 << 7
                                    | 0b0110 << 8
                                    | 47 << 16
                                    | 0x40L << 24
                                    | 1L << 34
                                    | 1L << 39
                                    | 9L << 48);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "frobs | 1 | no parameter \"frobs\"; legal are accessed-dirty, caches, caching-mode",
                "devices | 0 | devices=0: 0 devices; 1 to 128 are legal",
                "devices | many | devices=many: a whole number is legal",
                "coherent | yes | true and false are legal",
                "caches | lazy | legal are ordinary, keeps-everything, drops-anything",
                "widths | 40 | [40]; some of 39, 48 and 57 are legal",
                "page-sizes | 2M | 0x200000; 0x1000 is legal",
                "page-sizes | 64K | 4K, 2M and 1G are legal",
                "domain-id-bits | 5 | an even number from 4 to 16 is legal"
            })
    void whatIsNotLegalIsRefusedWithWhatIs(String key, String value, String message) {
        assertThatThrownBy(() -> new EmulatorProvider().configured(Map.of(key, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void optionsRefuseWhatIsNotLegal() {
        EmulatorOptions options = EmulatorOptions.legacy();
        List<UnaryOperator<EmulatorOptions>> illegal =
                List.of(
                        o -> o.memory(0),
                        o -> o.memory(4097),
                        o -> o.tableMemory(-4096),
                        o -> o.units(0),
                        o -> o.units(17),
                        o -> o.devices(129),
                        o -> o.hostAddressWidth(53),
                        o -> o.hostAddressWidth(31),
                        o -> o.addressWidths(),
                        o -> o.pageSizes(1 << 13 | 1 << 12),
                        o -> o.domainIdBits(18),
                        o -> o.maxAddressMask(52),
                        o -> o.faultRecords(0),
                        o -> o.faultRecords(129),
                        o -> o.iotlbEntries(3),
                        o -> o.pagingStructureEntries(0),
                        o -> o.pasidBits(0),
                        o -> o.pasidBits(21));
        for (UnaryOperator<EmulatorOptions> change : illegal) {
            assertThatThrownBy(() -> change.apply(options))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("legal");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "scalable=false,first-stage=true | first-stage translation without scalable mode",
                "scalable=false,second-stage=true | a choice of second stage without scalable mode",
                "scalable=false,accessed-dirty=true | accessed and dirty bits without scalable mode",
                "scalable=false,page-walk-coherent=true | page walks that snoop apart without scalable mode",
                "scalable=false,pasid-bits=8 | process address space ids without scalable mode",
                "scalable=false,page-requests=true | page requests without scalable mode",
                "scalable=true,first-stage=false,second-stage=false | without a stage",
                "scalable=true,second-stage=false,accessed-dirty=true | without second stage",
                "scalable=true,coherent=false,accessed-dirty=true | page walks that are coherent",
                "scalable=true,page-walk-coherent=false,accessed-dirty=true | are coherent"
            })
    void unitsThatCannotBeAreRefused(String parameters, String message) {
        MachineProvider provider =
                Providers.choose(
                        MachineProvider.class,
                        "machine",
                        MachineProvider.providers(),
                        "emulator:" + parameters);
        assertThatThrownBy(() -> provider.create(16 << 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void memoryFitsIntoTheHostAddressWidth() {
        EmulatorOptions options = EmulatorOptions.legacy().hostAddressWidth(32).memory(1L << 32);
        assertThatThrownBy(() -> EmulatedMachine.create(options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 0x100000000 are legal");
    }

    @Test
    void aTebibyteCostsWhatIsTouched() {
        EmulatorOptions options = EmulatorOptions.legacy().memory(1L << 40).sanitizer(false);
        try (Rig rig = new Rig(options)) {
            long root = rig.attach(48);
            long physical = (1L << 40) - Rig.GIB1;
            rig.map(root, 48, 0, physical, Rig.GIB1, Rig.RW);
            rig.write(0x3ffffff8, 7);
            assertThat(rig.memory.loadAcquire((1L << 40) - 8)).isEqualTo(7);
        }
    }

    @Test
    void afterClosingDevicesRefuse() {
        EmulatedMachine machine = EmulatedMachine.create(Rig.options());
        Device device = machine.devices().getFirst();
        machine.close();
        machine.close();
        ByteBuffer data = ByteBuffer.allocate(8);
        assertThatThrownBy(() -> device.read(0, data))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("0000:00:01.0");
        assertThatThrownBy(() -> device.write(0, data)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> device.fetchAndAdd(0, 1, data))
                .isInstanceOf(IllegalStateException.class);
        assertThat(machine.memory().loadAcquire(0)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, 128", "2, 128", "16, 128", "3, 1"})
    void everyDeviceIsBehindExactlyOneUnit(int units, int devices) {
        EmulatorOptions options = Rig.options().units(units).devices(devices);
        try (EmulatedMachine machine = EmulatedMachine.create(options)) {
            assertThat(machine.devices()).hasSize(devices);
            assertThat(machine.devices()).extracting(Device::source).doesNotHaveDuplicates();
            for (Device device : machine.devices()) {
                assertThat(covering(machine, device.source())).isEqualTo(1);
            }
            assertThat(covering(machine, SourceId.parse("ff:1f.7"))).isEqualTo(1);
            assertThat(covering(machine, SourceId.parse("0001:00:01.0"))).isZero();
            assertThat(machine.remappingUnits())
                    .extracting(unit -> unit.registers().address())
                    .doesNotHaveDuplicates();
        }
    }

    private static long covering(Machine machine, SourceId source) {
        return machine.remappingUnits().stream()
                .filter((RemappingUnit unit) -> unit.covers(source))
                .count();
    }
}
