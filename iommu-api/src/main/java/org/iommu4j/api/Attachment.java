package org.iommu4j.api;

import org.iommu4j.machine.SourceId;

/** A device whose DMA goes through a domain; closing it detaches the device. */
public interface Attachment extends AutoCloseable {

    /** {@return the device} */
    SourceId device();

    /** {@return the domain} */
    IommuDomain domain();

    /**
     * Detaches the device: when this returns, it cannot reach the domain's memory any more.
     * Idempotent.
     */
    @Override
    void close();
}
