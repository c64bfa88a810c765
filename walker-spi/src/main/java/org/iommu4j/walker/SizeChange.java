package org.iommu4j.walker;

/** How the page size of a live mapping may be changed under a format's architecture. */
public enum SizeChange {
    /** By one exchange of the entry: the hardware may hold both sizes and use either. */
    HITLESS,
    /** Only by way of not-present and an invalidation. */
    BREAK_BEFORE_MAKE
}
