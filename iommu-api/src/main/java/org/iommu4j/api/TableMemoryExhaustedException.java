package org.iommu4j.api;

/** The allocator has too few pages for the tables that an operation needs; nothing has changed. */
public final class TableMemoryExhaustedException extends IommuException {

    private static final long serialVersionUID = 1L;

    private final long needed;

    /**
     * Makes the exception.
     *
     * @param needed how many table pages the operation needs
     * @param free how many the allocator had
     */
    public TableMemoryExhaustedException(long needed, long free) {
        super(
                "the operation needs "
                        + needed
                        + " table page"
                        + (needed == 1 ? "" : "s")
                        + " and the allocator has "
                        + free
                        + "; nothing has changed");
        this.needed = needed;
    }

    /** {@return how many table pages the operation needs} */
    public long needed() {
        return needed;
    }
}
