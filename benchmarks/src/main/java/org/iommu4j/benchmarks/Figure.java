package org.iommu4j.benchmarks;

/**
 * What was measured of a row.
 *
 * @param row the row
 * @param nanos nanoseconds an operation, the least of all samples
 * @param bytes bytes of Java heap allocated an operation
 */
record Figure(Row row, double nanos, double bytes) {

    /** The lesser of two measurements of the same row. */
    Figure least(Figure other) {
        return new Figure(row, Math.min(nanos, other.nanos), Math.min(bytes, other.bytes));
    }
}
