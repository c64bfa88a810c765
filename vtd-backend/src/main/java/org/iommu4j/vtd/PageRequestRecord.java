package org.iommu4j.vtd;

import org.iommu4j.machine.SourceId;

/**
 * What a unit writes down of one page request (VT-d, Page Request Descriptor).
 *
 * @param first bits 63:0
 * @param second bits 127:64
 * @param third bits 191:128, private data if there are some
 * @param fourth bits 255:192, private data if there are some
 */
record PageRequestRecord(long first, long second, long third, long fourth) {

    /** The size of a record, in bytes. */
    static final int BYTES = 32;

    private static final int TYPE = 0xff;
    private static final int PAGE_REQUEST = 1;
    private static final int PASID_PRESENT = 1 << 8;
    private static final int PRIVATE_DATA = 1 << 9;
    private static final int REQUESTER_SHIFT = 16;
    private static final int PASID_SHIFT = 32;
    private static final int PASID_MASK = 0xf_ffff;
    private static final int READ = 1;
    private static final int WRITE = 1 << 1;
    private static final int LAST = 1 << 2;
    private static final int GROUP_SHIFT = 3;
    private static final int GROUP_MASK = 0x1ff;

    /** {@return true if it is a page request: a unit writes nothing else} */
    boolean isPageRequest() {
        return (first & TYPE) == PAGE_REQUEST;
    }

    int requester() {
        return (int) (first >>> REQUESTER_SHIFT) & 0xffff;
    }

    /** {@return the process address space id, or {@link SourceId#NO_PASID}} */
    int pasid() {
        return (first & PASID_PRESENT) == 0
                ? SourceId.NO_PASID
                : (int) (first >>> PASID_SHIFT) & PASID_MASK;
    }

    /** {@return true if its answer has to carry the third and fourth words} */
    boolean hasPrivateData() {
        return (first & PRIVATE_DATA) != 0;
    }

    /** {@return the page-request group index} */
    int group() {
        return (int) (second >>> GROUP_SHIFT) & GROUP_MASK;
    }

    /** {@return the page, in bytes} */
    long iova() {
        return second & -0x1000L;
    }

    boolean reads() {
        return (second & READ) != 0;
    }

    boolean writes() {
        return (second & WRITE) != 0;
    }

    /** {@return true if the device waits for an answer to its group from here on} */
    boolean isLast() {
        return (second & LAST) != 0;
    }

    /** {@return true if it says that a device has stopped to use a PASID, and wants no answer} */
    boolean isStopMarker() {
        return isLast() && !reads() && !writes();
    }
}
