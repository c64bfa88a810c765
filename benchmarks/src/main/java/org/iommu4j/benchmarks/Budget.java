package org.iommu4j.benchmarks;

/**
 * How long an operation may take.
 *
 * @param ratio how many times as long as what it is held against
 * @param of what that is: {@link #PEER}, {@link #FLOOR}, or the operation of another row
 */
record Budget(double ratio, String of) {

    /** The peer's figure, scaled to this machine. */
    static final String PEER = "peer";

    /** The floor in Java, of the same run. */
    static final String FLOOR = "floor";
}
