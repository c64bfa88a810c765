package org.iommu4j.api;

/**
 * A running observation of what devices write; closing it stops it. Any thread may use it at any
 * time.
 *
 * <p>Every write of a device that began after {@link IommuDomain#trackDirty} returned is in a
 * report whose sync completed after it: one that was made while a report was taken is in that one
 * or in the next. Each page is reported with the leaf that maps it.
 */
public interface DirtyTracking extends AutoCloseable {

    /**
     * Reports what was written, and begins anew. What is reported may be copied once the gather was
     * synced and that sync has completed, not before: until then devices may write without being
     * noticed again. Pages that were unmapped, and were dirty, are reported too.
     *
     * <p>If the sink throws, what it was not given is reported the next time.
     *
     * @param iova first I/O virtual address, in bytes
     * @param size bytes; positive
     * @param sink receives the ranges: whole leaves, those at the ends too, neighbouring ones as
     *     one range, in ascending order; then the pages that are not mapped any more. It may call
     *     any operation of the domain
     * @param gather takes what must be invalidated
     * @throws IllegalStateException if the tracking has ended, or the domain is closed
     * @throws IllegalArgumentException as of {@link IommuDomain#unmap(long, long, IotlbGather)}
     */
    void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather);

    /**
     * Reports what was written, and leaves it at that: the next report has it again.
     *
     * @param iova first I/O virtual address, in bytes
     * @param size bytes; positive
     * @param sink receives the ranges, as of {@link #readAndClear}
     * @throws IllegalStateException if the tracking has ended, or the domain is closed
     * @throws IllegalArgumentException if the range is misaligned or out of the domain's width
     */
    void peek(long iova, long size, DirtySink sink);

    /**
     * Stops tracking. What was not reported is forgotten. Idempotent.
     *
     * @throws UnitTimeoutException if a unit does not answer; the tracking may still be on, and may
     *     be closed again
     */
    @Override
    void close();
}
