package org.iommu4j.vtd;

import org.iommu4j.machine.SourceId;

/**
 * Who asks for pages: a device, by one of its process address space ids or without one.
 *
 * @param unit the unit that its requests pass
 * @param requester the device
 * @param pasid the process address space id, or {@link SourceId#NO_PASID}
 */
record PageRequester(Unit unit, int requester, int pasid) {

    static PageRequester of(Route route) {
        return new PageRequester(route.unit(), route.requester(), route.pasid());
    }

    static PageRequester of(Unit unit, PageRequestRecord request) {
        return new PageRequester(unit, request.requester(), request.pasid());
    }

    boolean isSameDevice(PageRequester other) {
        return unit.equals(other.unit) && requester == other.requester;
    }

    @Override
    public String toString() {
        return unit.source(requester)
                + (pasid == SourceId.NO_PASID
                        ? ""
                        : " (PASID 0x" + Integer.toHexString(pasid) + ")");
    }
}
