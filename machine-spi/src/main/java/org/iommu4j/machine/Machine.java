package org.iommu4j.machine;

import java.util.List;
import java.util.Optional;

/**
 * The world a backend runs on: memory, the registers of remapping units, and devices that do DMA.
 *
 * <p>Any thread may call any method. Closing a machine ends its devices; its memory stays readable.
 */
public interface Machine extends AutoCloseable {

    /** {@return the memory that software, units and devices share} */
    PhysicalMemory memory();

    /**
     * {@return the part of {@link #memory()} that this machine keeps for tables and queues: what an
     * Iommu takes pages from. The rest belongs to whoever uses the machine}
     */
    PhysicalMemory tableMemory();

    /** {@return the width of physical addresses in bits, as the firmware's tables give it} */
    int hostAddressWidth();

    /** {@return the remapping units, as the firmware's tables list them} */
    List<RemappingUnit> remappingUnits();

    /** {@return the devices that can do DMA} */
    List<Device> devices();

    /** {@return who wants to hear what software believes} */
    default Witness witness() {
        return Witness.NONE;
    }

    /**
     * {@return who holds what software believes against what the hardware does, if anybody does}
     */
    default Optional<Sanitizer> sanitizer() {
        return Optional.empty();
    }

    /** Ends the devices and gives everything back. Idempotent. */
    @Override
    void close();
}
