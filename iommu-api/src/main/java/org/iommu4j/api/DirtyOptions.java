package org.iommu4j.api;

/**
 * How writes of devices are tracked.
 *
 * @param granularity the page size, in bytes, at which writes are told apart; larger leaves are
 *     split to it
 * @param lazily true to split a leaf only when it is first found dirty
 */
public record DirtyOptions(long granularity, boolean lazily) {

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
}
