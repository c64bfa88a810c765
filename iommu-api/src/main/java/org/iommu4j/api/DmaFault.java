package org.iommu4j.api;

import org.iommu4j.machine.SourceId;

/**
 * A DMA that a unit blocked.
 *
 * @param source which device
 * @param pasid the process address space id, or {@link SourceId#NO_PASID} for a request without one
 * @param iova the page it wanted, as far as the unit tells
 * @param write true for a write, false for a read
 * @param code the unit's reason code
 * @param reason the reason in words
 * @param overflowed true if the unit could not record all faults before this one
 */
public record DmaFault(
        SourceId source,
        int pasid,
        long iova,
        boolean write,
        int code,
        String reason,
        boolean overflowed) {

    @Override
    public String toString() {
        return source
                + (pasid == SourceId.NO_PASID
                        ? ""
                        : " (PASID 0x" + Integer.toHexString(pasid) + ")")
                + (write ? " may not write 0x" : " may not read 0x")
                + Long.toHexString(iova)
                + ": "
                + reason
                + " (0x"
                + Integer.toHexString(code)
                + ")"
                + (overflowed ? "; faults before it were lost" : "");
    }
}
