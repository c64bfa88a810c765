package org.iommu4j.api;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a domain holds and has done. Exact whenever no call is in progress; {@code tablePages} is
 * exact always.
 *
 * @param leaves how many leaves there are of each page size, by the size in bytes
 * @param tablePages pages that are tables, or were and wait for an invalidation
 * @param peakTablePages the most there ever were
 * @param splits leaves replaced by a table
 * @param coalesces tables replaced by a leaf that maps the same
 * @param invalidations what was sent to the unit
 */
public record DomainStatistics(
        SortedMap<Long, Long> leaves,
        long tablePages,
        long peakTablePages,
        long splits,
        long coalesces,
        Invalidations invalidations) {

    /**
     * Invalidation requests by how much they cover.
     *
     * @param page page-selective
     * @param domain domain-selective
     * @param global global
     */
    public record Invalidations(long page, long domain, long global) {}

    /** Copies what is given. */
    public DomainStatistics {
        leaves = Collections.unmodifiableSortedMap(new TreeMap<>(leaves));
    }

    /** {@return how many bytes are mapped} */
    public long mappedBytes() {
        return leaves.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
    }

    /** {@return how many bytes the tables take} */
    public long tableBytes() {
        return tablePages * 4096;
    }
}
