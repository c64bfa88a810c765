package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;

/**
 * What a context entry of scalable mode says about one source, or why it says nothing: the content
 * of the context cache there.
 *
 * @param source requester id
 * @param directory the physical address of the PASID directory
 * @param pasids how many process address spaces the directory can tell
 * @param ridPasid in whose name requests are that carry no id
 * @param takesPasids true if requests may carry one (PASIDE)
 * @param flags {@link Context#SILENT}, {@link Context#DEVICE_TLB}, {@link Context#PAGE_REQUESTS}
 * @param fault why requests are blocked; {@link FaultReason#NONE} if they are not
 */
record DeviceContext(
        int source,
        long directory,
        int pasids,
        int ridPasid,
        boolean takesPasids,
        int flags,
        int fault) {

    /** An entry that blocks every request. */
    static DeviceContext fault(int source, int code, boolean silent) {
        return new DeviceContext(source, 0, 0, 0, false, silent ? Context.SILENT : 0, code);
    }

    boolean isFault() {
        return fault != FaultReason.NONE;
    }

    /** {@return true if there is just nothing there, which caching mode holds on to} */
    boolean isAbsent() {
        return fault == FaultReason.SCALABLE_ROOT_NOT_PRESENT
                || fault == FaultReason.SCALABLE_CONTEXT_NOT_PRESENT;
    }

    /** {@return in whose name a request is, by the id that it carries} */
    int pasidOf(int carried) {
        return carried == SourceId.NO_PASID ? ridPasid : carried;
    }

    /** {@return why requests with an id, or without one, are blocked} */
    int refuses(int carried) {
        if (isFault()) {
            return fault;
        }
        if (carried == SourceId.NO_PASID) {
            return ridPasid < pasids ? FaultReason.NONE : FaultReason.RID_PASID_TOO_LARGE;
        }
        if (!takesPasids) {
            return FaultReason.PASIDS_OFF;
        }
        return carried < pasids ? FaultReason.NONE : FaultReason.PASID_TOO_LARGE;
    }
}
