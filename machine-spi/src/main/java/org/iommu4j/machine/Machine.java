package org.iommu4j.machine;

import java.util.List;

/**
 * The world a backend runs on: memory, the registers of remapping units, and devices that do DMA.
 *
 * <p>Any thread may call any method. Closing a machine ends its devices; its memory stays readable.
 */
public interface Machine extends AutoCloseable {

    /** {@return the memory that software, units and devices share} */
    PhysicalMemory memory();

    /** {@return the width of physical addresses in bits, as the firmware's tables give it} */
    int hostAddressWidth();

    /** {@return the register regions of the remapping units} */
    List<MmioRegion> remappingUnits();

    /** {@return the devices that can do DMA} */
    List<Device> devices();

    /** {@return who wants to hear what software believes} */
    default Witness witness() {
        return Witness.NONE;
    }

    /** Ends the devices and gives everything back. Idempotent. */
    @Override
    void close();
}
