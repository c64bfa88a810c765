package org.iommu4j.api;

/** What unmapping a range does to a leaf that the range covers only in part. */
public enum PartialUnmap {
    /** Splits the leaf, atomically and hitlessly, and unmaps exactly the range. */
    SPLIT,
    /** Throws {@link PartialUnmapException} and changes nothing. */
    REJECT,
    /** Unmaps the leaf whole; the result and the gather say what really went. */
    WIDEN
}
