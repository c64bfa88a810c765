package org.iommu4j.vtd;

import java.util.Locale;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The way of some requests: those of one device under one process address space id, or without one,
 * through the unit that covers it.
 *
 * @param unit the unit
 * @param requester the device
 * @param pasid the process address space id, or {@link SourceId#NO_PASID}
 * @param tlb the TLB of the device, if it can have one
 */
record Route(Unit unit, int requester, int pasid, @Nullable DeviceTlb tlb) {

    /** Of requests without a process address space id, inside a unit (RID_PASID). */
    private static final int WITHOUT_PASID = 0;

    /** {@return the process address space id that the unit tells the requests by} */
    int taggedPasid() {
        return pasid == SourceId.NO_PASID ? WITHOUT_PASID : pasid;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "the requester 0x%x with PASID 0x%x", requester, taggedPasid());
    }
}
