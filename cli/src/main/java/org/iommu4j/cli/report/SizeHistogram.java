package org.iommu4j.cli.report;

import java.util.ArrayList;
import java.util.List;

/**
 * How many ranges there were of each size: one count for all sizes from a power of two up to the
 * next. For one thread.
 */
public final class SizeHistogram {
    private static final String[] PREFIXES = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private final long[] counts = new long[Long.SIZE];

    /** Begins with none. */
    public SizeHistogram() {}

    /**
     * Counts a range.
     *
     * @param bytes its size; positive
     */
    public void add(long bytes) {
        counts[Long.SIZE - 1 - Long.numberOfLeadingZeros(bytes)]++;
    }

    /**
     * A chart of several of these.
     *
     * @param title its title
     * @param xName what the sizes are of
     * @param yName what is counted
     * @param names their names
     * @param histograms as many as there are names
     */
    public static Chart chart(
            String title,
            String xName,
            String yName,
            List<String> names,
            List<SizeHistogram> histograms) {
        int from = Long.SIZE;
        int to = 0;
        for (SizeHistogram each : histograms) {
            for (int i = 0; i < Long.SIZE; i++) {
                if (each.counts[i] > 0) {
                    from = Math.min(from, i);
                    to = Math.max(to, i + 1);
                }
            }
        }
        List<String> labels = new ArrayList<>();
        for (int i = from; i < to; i++) {
            labels.add((1L << i % 10) + " " + PREFIXES[i / 10]);
        }
        Chart chart = Chart.bars(title, xName, labels, yName, Unit.COUNT);
        for (int i = 0; i < names.size(); i++) {
            double[] values = new double[labels.size()];
            for (int bucket = 0; bucket < values.length; bucket++) {
                values[bucket] = histograms.get(i).counts[from + bucket];
            }
            chart.add(names.get(i), values);
        }
        return chart;
    }
}
