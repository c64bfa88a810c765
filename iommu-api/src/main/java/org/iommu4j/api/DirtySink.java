package org.iommu4j.api;

/** Receives the ranges that were written. */
@FunctionalInterface
public interface DirtySink {

    /**
     * Receives one range.
     *
     * @param iova first I/O virtual address, in bytes
     * @param size bytes
     */
    void dirty(long iova, long size);
}
