package org.iommu4j.vtd;

import org.iommu4j.machine.SourceId;

/**
 * One request in an invalidation queue (VT-d, Queued Invalidation Interface). The upper half is
 * there in a queue of 256-bit descriptors only, which scalable mode has.
 *
 * @param low bits 63:0
 * @param high bits 127:64
 * @param third bits 191:128
 * @param fourth bits 255:192
 */
record Descriptor(long low, long high, long third, long fourth) {

    /** A request whose upper half is zero. */
    Descriptor(long low, long high) {
        this(low, high, 0, 0);
    }

    /** The order of a range that is everything. */
    static final int WHOLE_ORDER = 52;

    private static final int CONTEXT_CACHE = 1;
    private static final int IOTLB = 2;
    private static final int DEVICE_TLB = 3;
    private static final int WAIT = 5;
    private static final int IOTLB_OF_PASID = 6;
    private static final int PASID_CACHE = 7;
    private static final int DEVICE_TLB_OF_PASID = 8;

    private static final int GLOBAL = 1 << 4;
    private static final int DOMAIN = 2 << 4;
    private static final int SELECTED = 3 << 4;

    private static final long DRAIN_WRITES = 1 << 6;
    private static final long DRAIN_READS = 1 << 7;
    private static final long LEAF_ONLY = 1 << 6;
    private static final int PASID_CACHE_OF_PASID = 1 << 4;
    private static final int PASID_CACHE_GLOBAL = 3 << 4;

    private static final long STATUS_WRITE = 1 << 5;
    private static final long FENCE = 1 << 6;
    private static final int PASID_SHIFT = 32;
    private static final int DEPTH_MASK = 0x1f;
    private static final int DEPTH_SHIFT = 16;
    private static final int DEPTH_OF_PASID_SHIFT = 4;
    private static final int SOURCE_OF_PASID_SHIFT = 16;
    private static final int PAGE_SHIFT = 12;
    private static final long SIZED = 1;
    private static final long SIZED_OF_PASID = 1 << 11;
    private static final int DOMAIN_ID_SHIFT = 16;
    private static final int SOURCE_SHIFT = 32;
    private static final int STATUS_SHIFT = 32;
    private static final int TYPE_MASK = 0xe0f;
    private static final int PAGE_RESPONSE = 9;
    private static final int PASID_PRESENT = 1 << 4;
    private static final int PRIVATE_DATA_PRESENT = 1 << 5;
    private static final int CODE_SHIFT = 12;
    private static final int RESPONSE_SOURCE_SHIFT = 16;
    private static final long LAST_IN_GROUP = 1 << 2;
    private static final int GROUP_SHIFT = 3;
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
     * @return its first word; the second is the {@link #range}
     */
    static long pages(UnitCapabilities unit, int domainId) {
        return IOTLB | SELECTED | drains(unit) | (long) domainId << DOMAIN_ID_SHIFT;
    }

    /**
     * The second word of a request to forget the translations of an aligned range.
     *
     * @param iova the first I/O virtual address, in bytes
     * @param order the range is {@code 4096 << order} bytes
     * @param leafOnly no table in the range has changed
     * @return the word
     */
    static long range(long iova, int order, boolean leafOnly) {
        return iova | order | (leafOnly ? LEAF_ONLY : 0);
    }

    /**
     * A request to store a word when everything before it is done.
     *
     * @param data the word
     * @return its first word; the second is the physical address, a multiple of 4
     */
    static long store(int data) {
        return WAIT | STATUS_WRITE | (long) data << STATUS_SHIFT;
    }

    /**
     * An answer to page requests of one group. What the last of them carries for its device is
     * handed back.
     *
     * @param request the one that wants the answer
     * @param code 0 success, 1 invalid, 15 failure
     * @return the request
     */
    static Descriptor pageResponse(PageRequestRecord request, int code) {
        boolean hasPasid = request.pasid() != SourceId.NO_PASID;
        boolean carries = request.hasPrivateData();
        return new Descriptor(
                PAGE_RESPONSE
                        | (hasPasid ? PASID_PRESENT | (long) request.pasid() << PASID_SHIFT : 0)
                        | (carries ? PRIVATE_DATA_PRESENT : 0)
                        | (long) code << CODE_SHIFT
                        | (long) request.requester() << RESPONSE_SOURCE_SHIFT,
                (request.isLast() ? LAST_IN_GROUP : 0) | (long) request.group() << GROUP_SHIFT,
                carries ? request.third() : 0,
                carries ? request.fourth() : 0);
    }

    /** {@return true if it is an answer to page requests, which must not be given twice} */
    boolean isPageResponse() {
        return (low & TYPE_MASK) == PAGE_RESPONSE;
    }

    /** {@return a request to have all page requests in memory that were received before} */
    static Descriptor drainPageRequests() {
        return new Descriptor(WAIT | FENCE | PAGE_REQUEST_DRAIN, 0);
    }

    /** {@return a request to forget every PASID entry} */
    static Descriptor allPasids() {
        return new Descriptor(PASID_CACHE | PASID_CACHE_GLOBAL, 0);
    }

    /**
     * A request to forget the PASID entries of one process address space id.
     *
     * @param domainId what the entries said; 0 if they were absent
     * @param pasid the process address space id
     * @return the request
     */
    static Descriptor pasidOf(int domainId, int pasid) {
        return new Descriptor(PASID_CACHE | PASID_CACHE_OF_PASID | tag(domainId, pasid), 0);
    }

    /** A request to forget every translation of one process address space id and domain. */
    static Descriptor translationsOfPasid(int domainId, int pasid) {
        return new Descriptor(IOTLB_OF_PASID | DOMAIN | tag(domainId, pasid), 0);
    }

    /**
     * A request to forget the translations of an aligned range of one process address space id: its
     * first word, as of {@link #pages}.
     */
    static long pagesOfPasid(int domainId, int pasid) {
        return IOTLB_OF_PASID | SELECTED | tag(domainId, pasid);
    }

    private static long tag(int domainId, int pasid) {
        return (long) domainId << DOMAIN_ID_SHIFT | (long) pasid << PASID_SHIFT;
    }

    /**
     * A request that a device forgets an aligned range of what it translated without a process
     * address space id.
     *
     * @param requester the device
     * @param throttles true if the unit counts what the function has before it (DIT)
     * @param depth how many such requests the device can have before it, 1 to 32
     * @param iova the first I/O virtual address, in bytes
     * @param order the range is {@code 4096 << order} bytes; {@link #WHOLE_ORDER} for everything
     * @return the request
     */
    static Descriptor deviceTlb(int requester, boolean throttles, int depth, long iova, int order) {
        return new Descriptor(
                DEVICE_TLB
                        | physicalFunction(requester, throttles)
                        | (long) (depth & DEPTH_MASK) << DEPTH_SHIFT
                        | (long) requester << SOURCE_SHIFT,
                sized(iova, order) | (order > 0 ? SIZED : 0));
    }

    /** The same of one process address space id. */
    static Descriptor deviceTlbOfPasid(
            int requester, boolean throttles, int depth, int pasid, long iova, int order) {
        return new Descriptor(
                DEVICE_TLB_OF_PASID
                        | physicalFunction(requester, throttles)
                        | (long) (depth & DEPTH_MASK) << DEPTH_OF_PASID_SHIFT
                        | (long) requester << SOURCE_OF_PASID_SHIFT
                        | (long) pasid << PASID_SHIFT,
                sized(iova, order) | (order > 0 ? SIZED_OF_PASID : 0));
    }

    private static long physicalFunction(int requester, boolean throttles) {
        return throttles ? (requester & 0xfL) << 12 | (requester >>> 4 & 0xfffL) << 52 : 0;
    }

    /** The lowest clear bit of the page number is as high as the range's size says. */
    private static long sized(long iova, int order) {
        return order == 0 ? iova : (iova | (1L << PAGE_SHIFT + order - 1) - 1) & -1L << PAGE_SHIFT;
    }

    /** {@return a request that holds what comes after it until all before it is done} */
    static Descriptor fence() {
        return new Descriptor(WAIT | FENCE, 0);
    }

    private static long drains(UnitCapabilities unit) {
        return (unit.drainsWrites() ? DRAIN_WRITES : 0) | (unit.drainsReads() ? DRAIN_READS : 0);
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(low) + " 0x" + Long.toHexString(high);
    }
}
