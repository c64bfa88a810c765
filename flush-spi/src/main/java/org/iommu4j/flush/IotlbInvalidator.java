package org.iommu4j.flush;

/**
 * What a unit offers to make it forget translations. Each request returns a ticket at once, so that
 * batches overlap; the hardware has forgotten when the ticket is done.
 *
 * <p>Any thread may call any method.
 */
public interface IotlbInvalidator {

    /**
     * Forgets the translations of an aligned range of one domain.
     *
     * @param domainId the domain
     * @param iova first I/O virtual address, in bytes; a multiple of the range's size
     * @param order the range is {@code 4096 << order} bytes; at most {@link #maxOrder()}
     * @param leafOnly true only if no non-leaf entry changed in the range: paging-structure caches
     *     may be kept
     * @return a ticket
     */
    long invalidatePages(int domainId, long iova, int order, boolean leafOnly);

    /**
     * Forgets everything of one domain.
     *
     * @param domainId the domain
     * @return a ticket
     */
    long invalidateDomain(int domainId);

    /**
     * Forgets everything.
     *
     * @return a ticket
     */
    long invalidateGlobal();

    /** {@return the largest order of a page-selective request, or -1 if the unit has none} */
    int maxOrder();

    /**
     * Says whether a request has completed.
     *
     * @param ticket the request's ticket
     * @return true if the hardware has forgotten what it asked for
     */
    boolean isDone(long ticket);

    /**
     * Waits until a request has completed.
     *
     * @param ticket the request's ticket
     * @throws org.iommu4j.api.IommuException if the unit failed so that it cannot complete
     */
    void await(long ticket);
}
