package org.iommu4j.api;

import org.iommu4j.machine.SourceId;

/** A device whose DMA goes through a domain; closing it detaches the device. */
public interface Attachment extends AutoCloseable {

    /** {@return the device} */
    SourceId device();

    /**
     * {@return the process address space id whose requests go through the domain, or {@link
     * SourceId#NO_PASID} for those without one}
     */
    default int pasid() {
        return SourceId.NO_PASID;
    }

    /** {@return the domain} */
    IommuDomain domain();

    /**
     * Detaches the device: when this returns, it cannot reach the domain's memory any more.
     * Idempotent.
     *
     * @throws IommuException if the unit failed: the device may still reach that memory, and counts
     *     as attached until another call succeeds
     */
    @Override
    void close();
}
