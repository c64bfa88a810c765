package org.iommu4j.api;

/**
 * How many blocked DMAs an {@link Iommu} has heard of since somebody first listened.
 *
 * @param recorded faults that units recorded
 * @param overflows how often a unit had no room to record more; how many faults it lost each time
 *     is known to nobody
 * @param dropped faults that a listener was not told of, because too many waited for it
 */
public record FaultCounts(long recorded, long overflows, long dropped) {

    /** No fault. */
    public static final FaultCounts NONE = new FaultCounts(0, 0, 0);
}
