package org.iommu4j.cli.swap;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.report.TimeAxis;
import org.iommu4j.cli.report.Timeline;
import org.iommu4j.cli.vm.DeviceTraffic;

/**
 * What happened while a strategy ran, over the time on the clock: a few hundred samples, however
 * long that was. The thread that watches the run takes them; devices and swapper do not notice. For
 * one thread.
 */
public final class StrategyTimeline {
    private static final long FIRST_INTERVAL = TimeUnit.MILLISECONDS.toNanos(50);
    private static final double SECOND = 1e9;

    /** What is sampled, beside the leaves of each size. */
    public enum Column {
        /** DMAs of all devices, the blocked ones among them. */
        DMAS,
        /** DMAs that had to wait, or were blocked, at a page that the host was busy with. */
        EXPECTED_FAULTS,
        /** DMAs that had to wait, or were blocked, at a page that was present all the while. */
        SPURIOUS_FAULTS,
        /** How often a device asked for a page. */
        PAGE_REQUESTS,
        /** Pages taken. */
        SWAPS,
        /** Leaves replaced by a table. */
        SPLITS,
        /** Tables replaced by a leaf. */
        COALESCES,
        /** Invalidations sent, of every kind. */
        INVALIDATIONS,
        /** Pages that are tables. */
        TABLE_PAGES
    }

    private static final int COLUMNS = Column.values().length;

    private final List<Long> pageSizes;
    private final long[] values;
    private final Timeline timeline;

    /**
     * Begins.
     *
     * @param before what the domain holds when nothing has happened yet
     */
    StrategyTimeline(DomainStatistics before) {
        pageSizes = List.copyOf(before.leaves().keySet());
        values = new long[COLUMNS + pageSizes.size()];
        gather(List.of(), 0, 0, before);
        timeline = new Timeline(values, FIRST_INTERVAL);
    }

    /**
     * Takes a sample if it is due.
     *
     * @param nanos how long the run has been going on
     * @param traffic the devices
     * @param swaps pages taken
     * @param requests how often a device asked for a page
     * @param domain what the domain holds and has done
     */
    void at(
            long nanos,
            List<DeviceTraffic> traffic,
            long swaps,
            long requests,
            DomainStatistics domain) {
        gather(traffic, swaps, requests, domain);
        timeline.reach(nanos, values);
    }

    /** The sample taken last was the last. */
    void end() {
        timeline.end();
    }

    /** {@return when samples were taken} */
    public TimeAxis axis() {
        return TimeAxis.seconds("time, s", timeline.times(SECOND));
    }

    /** {@return page sizes in bytes, ascending} */
    public List<Long> pageSizes() {
        return pageSizes;
    }

    /**
     * Returns what there was at each sample.
     *
     * @param column of what
     * @return its values
     */
    public double[] levels(Column column) {
        return timeline.levels(column.ordinal());
    }

    /**
     * Returns how many leaves of a size there were at each sample.
     *
     * @param pageSize the size, in bytes
     * @return their numbers
     */
    public double[] leaves(long pageSize) {
        return timeline.levels(COLUMNS + pageSizes.indexOf(pageSize));
    }

    /**
     * Returns how much happened a second before each sample.
     *
     * @param column of what
     * @return its rates
     */
    public double[] rates(Column column) {
        return timeline.rates(column.ordinal(), SECOND);
    }

    private void gather(
            List<DeviceTraffic> traffic, long swaps, long requests, DomainStatistics domain) {
        put(Column.DMAS, sum(traffic, DeviceTraffic::dmas));
        put(Column.EXPECTED_FAULTS, sum(traffic, DeviceTraffic::expectedFaults));
        put(Column.SPURIOUS_FAULTS, sum(traffic, DeviceTraffic::spuriousFaults));
        put(Column.PAGE_REQUESTS, requests);
        put(Column.SWAPS, swaps);
        put(Column.SPLITS, domain.splits());
        put(Column.COALESCES, domain.coalesces());
        DomainStatistics.Invalidations sent = domain.invalidations();
        put(Column.INVALIDATIONS, sent.page() + sent.domain() + sent.global());
        put(Column.TABLE_PAGES, domain.tablePages());
        for (int i = 0; i < pageSizes.size(); i++) {
            values[COLUMNS + i] = domain.leaves().getOrDefault(pageSizes.get(i), 0L);
        }
    }

    private void put(Column column, long value) {
        values[column.ordinal()] = value;
    }

    private static long sum(List<DeviceTraffic> traffic, ToLongFunction<DeviceTraffic> count) {
        return traffic.stream().mapToLong(count).sum();
    }
}
