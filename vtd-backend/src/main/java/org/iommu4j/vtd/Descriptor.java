package org.iommu4j.vtd;

/**
 * One request in an invalidation queue of legacy mode (VT-d, Queued Invalidation Interface).
 *
 * @param low bits 63:0
 * @param high bits 127:64
 */
record Descriptor(long low, long high) {

    /** The size of a descriptor, in bytes. */
    static final int BYTES = 16;

    private static final int CONTEXT_CACHE = 1;
    private static final int IOTLB = 2;
    private static final int WAIT = 5;

    private static final int GLOBAL = 1 << 4;
    private static final int DOMAIN = 2 << 4;
    private static final int SELECTED = 3 << 4;

    private static final long DRAIN_WRITES = 1 << 6;
    private static final long DRAIN_READS = 1 << 7;
    private static final long LEAF_ONLY = 1 << 6;
    private static final long STATUS_WRITE = 1 << 5;
    private static final int DOMAIN_ID_SHIFT = 16;
    private static final int SOURCE_SHIFT = 32;
    private static final int STATUS_SHIFT = 32;
    private static final int PAGE_RESPONSE = 9;
    private static final int PASID_PRESENT = 1 << 4;
    private static final int PASID_SHIFT = 32;
    private static final int CODE_SHIFT = 12;
    private static final int GROUP_SHIFT = 3;
    private static final long FENCE = 1 << 6;
    private static final long PAGE_REQUEST_DRAIN = 1 << 7;

    /** {@return a request to forget every context entry} */
    static Descriptor allContexts() {
        return new Descriptor(CONTEXT_CACHE | GLOBAL, 0);
    }

    /**
     * A request to forget the context entry of one device.
     *
     * @param domainId what the entry said; 0 if it was absent
     * @param requester the device
     * @return the request
     */
    static Descriptor contextOf(int domainId, int requester) {
        return new Descriptor(
                CONTEXT_CACHE
                        | SELECTED
                        | (long) domainId << DOMAIN_ID_SHIFT
                        | (long) requester << SOURCE_SHIFT,
                0);
    }

    /** A request to forget every translation. */
    static Descriptor allTranslations(UnitCapabilities unit) {
        return new Descriptor(IOTLB | GLOBAL | drains(unit), 0);
    }

    /** A request to forget every translation of a domain. */
    static Descriptor translationsOf(UnitCapabilities unit, int domainId) {
        return new Descriptor(
                IOTLB | DOMAIN | drains(unit) | (long) domainId << DOMAIN_ID_SHIFT, 0);
    }

    /**
     * A request to forget the translations of an aligned range.
     *
     * @param unit how it drains
     * @param domainId the domain
     * @param iova the first I/O virtual address, in bytes
     * @param order the range is {@code 4096 << order} bytes
     * @param leafOnly no table in the range has changed
     * @return the request
     */
    static Descriptor pages(
            UnitCapabilities unit, int domainId, long iova, int order, boolean leafOnly) {
        return new Descriptor(
                IOTLB | SELECTED | drains(unit) | (long) domainId << DOMAIN_ID_SHIFT,
                iova | order | (leafOnly ? LEAF_ONLY : 0));
    }

    /**
     * A request to store a word when everything before it is done.
     *
     * @param address the word's physical address; a multiple of 4
     * @param data the word
     * @return the request
     */
    static Descriptor store(long address, int data) {
        return new Descriptor(WAIT | STATUS_WRITE | (long) data << STATUS_SHIFT, address);
    }

    /**
     * An answer to a group of page requests.
     *
     * @param request the one that wants the answer
     * @param code 0 success, 1 invalid, 15 failure
     * @return the request
     */
    static Descriptor pageResponse(PageRequestRecord request, int code) {
        long pasid =
                request.pasid() < 0 ? 0 : PASID_PRESENT | (long) request.pasid() << PASID_SHIFT;
        return new Descriptor(
                PAGE_RESPONSE
                        | pasid
                        | (long) code << CODE_SHIFT
                        | (long) request.requester() << 16,
                (long) request.group() << GROUP_SHIFT);
    }

    /** {@return a request to have all page requests in memory that were received before} */
    static Descriptor drainPageRequests() {
        return new Descriptor(WAIT | FENCE | PAGE_REQUEST_DRAIN, 0);
    }

    private static long drains(UnitCapabilities unit) {
        return (unit.drainsWrites() ? DRAIN_WRITES : 0) | (unit.drainsReads() ? DRAIN_READS : 0);
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(low) + " 0x" + Long.toHexString(high);
    }
}
