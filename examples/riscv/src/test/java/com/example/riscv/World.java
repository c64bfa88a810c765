package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import com.example.riscv.unit.SoftwareMachine;
import com.example.riscv.unit.UnitModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.UnaryOperator;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.MmioRegion;

/** The backend on its software unit. Closing it looks at what the Iommu left: a quiet unit. */
final class World implements AutoCloseable {

    static final long M2 = 0x20_0000;
    static final long G1 = 0x4000_0000;

    private static final int QUEUE_ON = 1 << 16 | 1;

    final SoftwareMachine machine;
    final Iommu iommu;

    World(UnitModel model, UnaryOperator<IommuOptions> options) {
        machine = new SoftwareMachine(1L << 31, model);
        iommu = Iommu.open("riscv", options.apply(IommuOptions.on(machine)));
    }

    World(UnitModel model) {
        this(model, options -> options);
    }

    World() {
        this(UnitModel.USUAL);
    }

    Device device(int index) {
        return machine.devices().get(index);
    }

    Attachment attach(int device, IommuDomain domain) {
        return iommu.attach(device(device).source(), domain);
    }

    MmioRegion registers() {
        return machine.remappingUnits().getFirst().registers();
    }

    /** Reads a word by DMA; -1 if it was blocked. */
    long read(int device, long iova) {
        ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        return device(device).read(iova, word).isDone() ? word.getLong(0) : -1;
    }

    /** Writes a word by DMA; false if it was blocked. */
    boolean write(int device, long iova, long value) {
        ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        return device(device).write(iova, word.putLong(0, value)).isDone();
    }

    void poke(long physical, long value) {
        machine.memory().storeRelease(physical, value);
    }

    long peek(long physical) {
        return machine.memory().loadAcquire(physical);
    }

    @Override
    public void close() {
        iommu.close();
        assertThat(registers().read64(UnitRegisters.DDTP)).isZero();
        assertThat(registers().read32(UnitRegisters.CQCSR) & QUEUE_ON).isZero();
        assertThat(registers().read32(UnitRegisters.FQCSR) & QUEUE_ON).isZero();
        machine.close();
        assertThat(machine.sanitizer().orElseThrow().findings()).isEmpty();
    }
}
