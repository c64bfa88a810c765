package org.iommu4j.machine;

/**
 * How one DMA ended: all bytes were transferred, or the remapping hardware blocked it, and nothing,
 * or a part, was transferred. As a rule that is a part from the start; a device whose bus requests
 * go on behind one that was blocked transfers any part.
 *
 * @param isDone true if all bytes were transferred
 * @param waited true if the device asked for a missing page on the way, and waited for the answer
 * @param iova the first I/O virtual address that was blocked, in bytes, as far as the device knows,
 *     else the first of the DMA; 0 if none was blocked
 * @param code the unit's reason code; {@link #UNKNOWN} where the device is not told, and if none
 *     was blocked
 */
public record DmaOutcome(boolean isDone, boolean waited, long iova, int code) {

    /** The code of a device that is not told why. */
    public static final int UNKNOWN = 0;

    /** All bytes were transferred. */
    public static final DmaOutcome DONE = new DmaOutcome(true, false, 0, UNKNOWN);

    private static final DmaOutcome DONE_AFTER_WAITING = new DmaOutcome(true, true, 0, UNKNOWN);

    /**
     * Says that a DMA was blocked.
     *
     * @param iova the first I/O virtual address that was blocked, in bytes
     * @param code the unit's reason code, or {@link #UNKNOWN}
     * @return the outcome
     */
    public static DmaOutcome blocked(long iova, int code) {
        return new DmaOutcome(false, false, iova, code);
    }

    /** {@return the same outcome of a DMA that asked for a page and waited} */
    public DmaOutcome afterWaiting() {
        return isDone ? DONE_AFTER_WAITING : new DmaOutcome(false, true, iova, code);
    }

    @Override
    public String toString() {
        return (isDone
                        ? "done"
                        : "blocked at 0x"
                                + Long.toHexString(iova)
                                + (code == UNKNOWN ? "" : " (0x" + Integer.toHexString(code) + ")"))
                + (waited ? ", after waiting for a page" : "");
    }
}
