package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.UnaryOperator;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;

/** The driver on a QEMU machine. Closing it closes the Iommu, and sees that the unit is quiet. */
final class QemuWorld implements AutoCloseable {

    static final long M2 = 0x20_0000;
    static final long G1 = 0x4000_0000;

    /** A DMA that is blocked tells nothing else. */
    static final long BLOCKED = -1;

    private static final long STATUS = 0x1c;
    private static final int TRANSLATION_OR_QUEUE = 0x8400_0000;

    final QemuMachine machine;
    final Iommu iommu;

    QemuWorld(QemuOptions options) {
        this(options, UnaryOperator.identity());
    }

    QemuWorld(QemuOptions options, UnaryOperator<IommuOptions> driver) {
        machine = Qemu.start(options);
        iommu = Iommu.open("vtd", driver.apply(IommuOptions.on(machine)));
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

    @Override
    public void close() {
        iommu.close();
        int status = machine.remappingUnits().getFirst().registers().read32(STATUS);
        machine.close();
        assertThat(status & TRANSLATION_OR_QUEUE).isZero();
    }
}
