package org.iommu4j.emulator;

/**
 * What a context entry says about the requests of one source, or why it says nothing; the content
 * of the context cache.
 *
 * @param source requester id
 * @param domain domain id; 0 where there is no entry
 * @param root the root of the page tables
 * @param levels how many levels they have
 * @param width how many bits an address may have
 * @param passThrough true if addresses are physical addresses
 * @param silent true if faults are not recorded (FPD)
 * @param fault why requests are blocked; {@link FaultReason#NONE} if they are not
 */
record Context(
        int source,
        int domain,
        long root,
        int levels,
        int width,
        boolean passThrough,
        boolean silent,
        int fault) {

    /** An entry that blocks every request. */
    static Context fault(int source, int code, boolean silent) {
        return new Context(source, 0, 0, 0, 0, false, silent, code);
    }

    boolean isFault() {
        return fault != FaultReason.NONE;
    }

    /** {@return true if there is just nothing there, which caching mode holds on to} */
    boolean isAbsent() {
        return fault == FaultReason.ROOT_NOT_PRESENT || fault == FaultReason.CONTEXT_NOT_PRESENT;
    }
}
