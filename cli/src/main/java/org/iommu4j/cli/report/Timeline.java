package org.iommu4j.cli.report;

import java.util.Arrays;

/**
 * Several values over time, at evenly spaced moments, in memory that does not grow: when it is full
 * every second sample is dropped, and the space between samples doubled. What was sampled last is
 * kept exactly.
 *
 * <p>For one thread. Times are in ticks from the beginning, which the caller gives a meaning.
 */
public final class Timeline {
    private static final int CAPACITY = 512;

    private final long[][] samples;
    private final long[] lastValues;
    private long lastTime;
    private long interval;
    private long next;
    private int count;
    private long end = -1;

    /**
     * Begins at time 0.
     *
     * @param values the values there
     * @param interval ticks between samples at first
     */
    public Timeline(long[] values, long interval) {
        samples = new long[values.length][CAPACITY + 1];
        lastValues = values.clone();
        this.interval = interval;
        add(values);
    }

    /**
     * Says whether a sample is due, so that a caller need not gather values in vain.
     *
     * @param time now
     * @return true if {@link #hold} or {@link #reach} would take one
     */
    public boolean isDue(long time) {
        return time >= next;
    }

    /** {@return when a sample is due} */
    public long next() {
        return next;
    }

    /**
     * Notes values that have been what they are since those noted last.
     *
     * @param time until when
     * @param values the values
     */
    public void hold(long time, long[] values) {
        while (isDue(time)) {
            add(values);
        }
        note(time, values);
    }

    /**
     * Notes values that have come to what they are evenly since those noted last.
     *
     * @param time now
     * @param values the values
     */
    public void reach(long time, long[] values) {
        long[] between = new long[values.length];
        while (isDue(time)) {
            double part = (double) (next - lastTime) / (time - lastTime);
            Arrays.setAll(
                    between, i -> lastValues[i] + Math.round(part * (values[i] - lastValues[i])));
            add(between);
        }
        note(time, values);
    }

    /** Ends it: the last sample has the values noted last, whenever that was. */
    public void end() {
        long sinceSample = lastTime - (count - 1) * interval;
        if (sinceSample < interval / 2 && count > 1) {
            count--; // a rate over a moment would mean nothing
        }
        if (lastTime > 0) {
            put(lastValues);
            end = lastTime;
        }
    }

    /** {@return how many samples there are} */
    public int size() {
        return count;
    }

    /**
     * Returns when the samples were taken.
     *
     * @param ticks how many ticks are one on the axis
     * @return the times, ascending from 0
     */
    public double[] times(double ticks) {
        double[] times = new double[count];
        Arrays.setAll(times, i -> time(i) / ticks);
        return times;
    }

    /**
     * Returns a value at each sample.
     *
     * @param column its place among the values
     * @return its values
     */
    public double[] levels(int column) {
        double[] levels = new double[count];
        Arrays.setAll(levels, i -> samples[column][i]);
        return levels;
    }

    /**
     * Returns how fast a value grew up to each sample, since the one before.
     *
     * @param column its place among the values
     * @param ticks how many ticks are one on the axis
     * @return its rates; there is none at the first sample, which is NaN
     */
    public double[] rates(int column, double ticks) {
        double[] rates = new double[count];
        for (int i = 0; i < count; i++) {
            rates[i] =
                    i == 0
                            ? Double.NaN
                            : (samples[column][i] - samples[column][i - 1])
                                    * ticks
                                    / (time(i) - time(i - 1));
        }
        return rates;
    }

    private long time(int sample) {
        return sample == count - 1 && end >= 0 ? end : sample * interval;
    }

    private void add(long[] values) {
        if (count == CAPACITY) {
            halve();
        }
        put(values);
        next = count * interval;
    }

    private void put(long[] values) {
        for (int column = 0; column < samples.length; column++) {
            samples[column][count] = values[column];
        }
        count++;
    }

    /** The next sample is due at an even place, which stays one. */
    private void halve() {
        for (long[] column : samples) {
            for (int i = 0; i < count / 2; i++) {
                column[i] = column[2 * i];
            }
        }
        count /= 2;
        interval *= 2;
    }

    private void note(long time, long[] values) {
        lastTime = time;
        System.arraycopy(values, 0, lastValues, 0, values.length);
    }
}
