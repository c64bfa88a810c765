package org.iommu4j.api;

/** A running observation of what devices write; closing it stops it. */
public interface DirtyTracking extends AutoCloseable {

    /**
     * Reports what was written and begins anew. What it reports may be copied only after the gather
     * was synced.
     *
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     * @param sink receives the ranges
     * @param gather takes what must be invalidated
     */
    void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather);

    /** Stops tracking. Idempotent. */
    @Override
    void close();
}
