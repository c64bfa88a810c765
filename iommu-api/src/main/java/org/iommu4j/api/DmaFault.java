package org.iommu4j.api;

import java.util.Optional;
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
 * @param explanation what the device's domain said of the address when the fault was read from the
 *     unit, which is some milliseconds after the DMA; empty if the backend does not look, or faults
 *     came faster than it explains them
 */
public record DmaFault(
        SourceId source,
        int pasid,
        long iova,
        boolean write,
        int code,
        String reason,
        boolean overflowed,
        Optional<AddressExplanation> explanation) {

    /**
     * Makes a fault without an explanation.
     *
     * @param source which device
     * @param pasid the process address space id, or {@link SourceId#NO_PASID}
     * @param iova the page it wanted
     * @param write true for a write, false for a read
     * @param code the unit's reason code
     * @param reason the reason in words
     * @param overflowed true if the unit could not record all faults before this one
     */
    public DmaFault(
            SourceId source,
            int pasid,
            long iova,
            boolean write,
            int code,
            String reason,
            boolean overflowed) {
        this(source, pasid, iova, write, code, reason, overflowed, Optional.empty());
    }

    /**
     * Adds what the device's domain says of the address.
     *
     * @param words what it says
     * @return the same fault, explained
     */
    public DmaFault explainedBy(AddressExplanation words) {
        return new DmaFault(
                source, pasid, iova, write, code, reason, overflowed, Optional.of(words));
    }

    /** One line: device, address, access, reason, and the explanation if there is one. */
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
                + explanation.map(words -> "; " + words).orElse("")
                + (overflowed ? "; faults before it were lost" : "");
    }
}
