package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.UnaryOperator;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * The driver on an emulated machine: real DMA through real tables. Closing it closes the Iommu, and
 * looks at what it left: quiet units, no page taken, nothing that the sanitizer found.
 */
final class EmulatedWorld implements AutoCloseable {

    static final long M2 = 0x20_0000;
    static final long G1 = 0x4000_0000;

    /** A DMA that is blocked tells nothing else. */
    static final long BLOCKED = -1;

    final EmulatedMachine machine;
    final Iommu iommu;
    private final CapturingAllocator pages = new CapturingAllocator();

    EmulatedWorld(EmulatorOptions emulator, UnaryOperator<IommuOptions> options) {
        machine = EmulatedMachine.create(emulator.memory(1L << 31).tableMemory(64 << 20));
        iommu =
                Iommu.open(
                        "vtd",
                        options.apply(
                                IommuOptions.on(machine)
                                        .with(TableAllocatorProvider.class, pages)));
    }

    EmulatedWorld(EmulatorOptions emulator) {
        this(emulator, options -> options);
    }

    Device device(int index) {
        return machine.devices().get(index);
    }

    IommuDomain domain() {
        return iommu.createDomain(DomainOptions.defaults());
    }

    /** Stores a word of memory by the processor. */
    void poke(long physical, long value) {
        machine.memory().storeRelease(physical, value);
    }

    long peek(long physical) {
        return machine.memory().loadAcquire(physical);
    }

    /** Reads a word by DMA; {@link #BLOCKED} if it was. */
    static long dmaRead(Device device, long iova) {
        ByteBuffer word = word();
        return device.read(iova, word).isDone() ? word.getLong(0) : BLOCKED;
    }

    /** Writes a word by DMA; says how it ended. */
    static DmaOutcome dmaWrite(Device device, long iova, long value) {
        return device.write(iova, word().putLong(0, value));
    }

    private static ByteBuffer word() {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    }

    MmioRegion registers(int unit) {
        return machine.remappingUnits().get(unit).registers();
    }

    @Override
    public void close() {
        iommu.close();
        for (RemappingUnit unit : machine.remappingUnits()) {
            assertThat(unit.registers().read32(UnitRegisters.GSTS) & 0x8400_0000).isZero();
        }
        assertThat(pages.taken()).as("pages that are still taken").isZero();
        machine.close();
        List<Sanitizer.Finding> found =
                machine.sanitizer().map(Sanitizer::findings).orElse(List.of());
        assertThat(found).as("what the sanitizer found").isEmpty();
    }
}
