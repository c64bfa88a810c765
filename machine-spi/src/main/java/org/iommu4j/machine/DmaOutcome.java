package org.iommu4j.machine;

/**
 * How one DMA ended: all bytes were transferred, or the remapping hardware blocked it, and nothing,
 * or a part from the start, was transferred.
 *
 * @param isDone true if all bytes were transferred
 * @param iova the first I/O virtual address that was blocked, in bytes, as far as the device knows,
 *     else the first of the DMA; 0 if none was blocked
 * @param code the unit's reason code; {@link #UNKNOWN} where the device is not told, and if none
 *     was blocked
 */
public record DmaOutcome(boolean isDone, long iova, int code) {

    /** The code of a device that is not told why. */
    public static final int UNKNOWN = 0;

    /** All bytes were transferred. */
    public static final DmaOutcome DONE = new DmaOutcome(true, 0, UNKNOWN);

    /**
     * Says that a DMA was blocked.
     *
     * @param iova the first I/O virtual address that was blocked, in bytes
     * @param code the unit's reason code, or {@link #UNKNOWN}
     * @return the outcome
     */
    public static DmaOutcome blocked(long iova, int code) {
        return new DmaOutcome(false, iova, code);
    }

    @Override
    public String toString() {
        return isDone
                ? "done"
                : "blocked at 0x"
                        + Long.toHexString(iova)
                        + (code == UNKNOWN ? "" : " (0x" + Integer.toHexString(code) + ")");
    }
}
