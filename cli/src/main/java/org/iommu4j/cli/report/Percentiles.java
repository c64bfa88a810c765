package org.iommu4j.cli.report;

import java.util.List;
import org.HdrHistogram.Histogram;

/** The percentiles that charts of times show, out of a histogram of nanoseconds. */
public final class Percentiles {
    private static final double[] SHOWN = {50, 90, 99, 99.9, 99.99, 100};
    private static final List<String> LABELS =
            List.of("50 %", "90 %", "99 %", "99.9 %", "99.99 %", "longest");

    private Percentiles() {}

    /**
     * A chart without any series yet.
     *
     * @param title its title
     * @param what what took the time, in the plural
     */
    public static Chart chart(String title, String what) {
        return Chart.logarithmic(
                title, "of all " + what + ", so many took up to", LABELS, "time", Unit.NANOSECONDS);
    }

    /**
     * The values of a series of such a chart.
     *
     * @param times what was measured, in nanoseconds
     * @return one for each percentile; none if nothing was measured
     */
    public static double[] of(Histogram times) {
        double[] values = new double[SHOWN.length];
        for (int i = 0; i < SHOWN.length; i++) {
            values[i] =
                    times.getTotalCount() == 0 ? Double.NaN : times.getValueAtPercentile(SHOWN[i]);
        }
        return values;
    }
}
