package org.iommu4j.cli.report;

/**
 * The moments that a chart shows.
 *
 * @param name what they are counted in, and from when
 * @param unit their unit
 * @param values the moments, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // drawn, not compared
public record TimeAxis(String name, Unit unit, double[] values) {

    /**
     * Seconds from the beginning.
     *
     * @param name of what
     * @param values the moments, ascending
     */
    public static TimeAxis seconds(String name, double[] values) {
        return new TimeAxis(name, Unit.SECONDS, values);
    }
}
