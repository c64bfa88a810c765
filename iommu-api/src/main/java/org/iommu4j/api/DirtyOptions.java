package org.iommu4j.api;

/**
 * How writes of devices are tracked.
 *
 * @param granularity the page size, in bytes, at which writes are told apart; larger leaves are
 *     split to it, and while writes are tracked none is made
 * @param lazily true to split a leaf, and to let a map make a large one, until it is first found
 *     dirty: it is reported whole that once. Costs no table for what is not written
 * @param coalesceOnStop true to merge leaves again, throughout the domain, when the tracking ends
 */
public record DirtyOptions(long granularity, boolean lazily, boolean coalesceOnStop) {

    /**
     * Checks the granularity.
     *
     * @throws IllegalArgumentException if it is not a power of two
     */
    public DirtyOptions {
        if (Long.bitCount(granularity) != 1) {
            throw new IllegalArgumentException(
                    "granularity 0x" + Long.toHexString(granularity) + "; a page size is legal");
        }
    }

    /**
     * Leaves are left as they are when the tracking ends.
     *
     * @param granularity the page size, in bytes, at which writes are told apart
     * @param lazily true to split a leaf only when it is first found dirty
     * @throws IllegalArgumentException if the granularity is not a power of two
     */
    public DirtyOptions(long granularity, boolean lazily) {
        this(granularity, lazily, false);
    }
}
