package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;

/**
 * What a device asks software for: a page that is missing, or that it may not use in the wanted way
 * (VT-d, Page Request Descriptor). The requests of a group have one index, and one answer, which
 * comes to the last of them.
 *
 * @param requester requester id
 * @param pasid process address space id, or {@link SourceId#NO_PASID}
 * @param iova the address; the bits of the page offset do not count
 * @param access {@link Translation#READ} and {@link Translation#WRITE}; 0 only in a stop marker
 * @param last true for the last of its group
 * @param group the index of its group, 0 to 511
 */
record PageRequest(int requester, int pasid, long iova, int access, boolean last, int group) {

    /** What a request takes in the queue, in bytes: four words, the last two without content. */
    static final int BYTES = 32;

    /** How many groups one device can tell apart. */
    static final int GROUPS = 512;

    private static final int TYPE = 1;
    private static final long HAS_PASID = 1 << 8;
    private static final int REQUESTER_SHIFT = 16;
    private static final int PASID_SHIFT = 32;
    private static final long LAST = 1 << 2;
    private static final int GROUP_SHIFT = 3;

    /**
     * A device has done with an address space: whatever it asked for there is in front of this. It
     * has no answer.
     */
    static PageRequest stopMarker(int requester, int pasid) {
        return new PageRequest(requester, pasid, 0, 0, true, 0);
    }

    boolean isStopMarker() {
        return last && access == 0;
    }

    /** {@return the first word of the record in the queue} */
    long low() {
        long space =
                pasid == SourceId.NO_PASID
                        ? 0
                        : HAS_PASID | Integer.toUnsignedLong(pasid) << PASID_SHIFT;
        return TYPE | (long) requester << REQUESTER_SHIFT | space;
    }

    /** {@return its second word} */
    long high() {
        return iova & ~0xfffL | (long) group << GROUP_SHIFT | (last ? LAST : 0) | access;
    }
}
