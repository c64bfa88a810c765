package org.iommu4j.machine;

/** A unit that remaps the DMA of some devices, as the firmware's tables describe it. */
public interface RemappingUnit {

    /** {@return its registers} */
    MmioRegion registers();

    /**
     * Says whether the requests of a device pass through this unit.
     *
     * @param device the device; it need not exist
     * @return true if they do; of the units of one machine, exactly one says so for a device that
     *     exists
     */
    boolean covers(SourceId device);
}
