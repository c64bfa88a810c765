package org.iommu4j.benchmarks;

/**
 * How long an operation may take.
 *
 * @param limit how many times as long as what it is held against; of {@link #NANOS} nanoseconds
 * @param of what that is: {@link #PEER}, {@link #FLOOR}, {@link #NANOS}, or the operation of
 *     another row
 */
record Budget(double limit, String of) {

    /** The peer's figure, scaled to this machine. */
    static final String PEER = "peer";

    /** The floor in Java, of the same run. */
    static final String FLOOR = "floor";

    /** Nothing: the limit is one of time. */
    static final String NANOS = "ns";
}
