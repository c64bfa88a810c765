package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.report.SizeHistogram;
import org.iommu4j.cli.report.TimeAxis;
import org.iommu4j.cli.report.Timeline;
import org.iommu4j.cli.report.Unit;

/**
 * What a replay keeps for a report: a few hundred samples over the time of the trace, however long
 * that is, the sizes of maps and unmaps, and how long operations took. Time is the trace's; a trace
 * whose clock does not count seconds is shown over the number of its events instead.
 *
 * <p>Not every event is asked for its time, only a few for each sample. For one thread.
 */
final class ReplayRecording implements ReplayObserver {
    /** What is sampled, beside the leaves of each size. */
    enum Column {
        TABLE_PAGES,
        HELD_PAGES,
        SPLITS,
        COALESCES,
        PAGE_INVALIDATIONS,
        DOMAIN_INVALIDATIONS,
        GLOBAL_INVALIDATIONS,
        OVER_UNMAP_AVOIDED,
        REUSE_WAITS,
        MAPS,
        UNMAPS
    }

    private static final int COLUMNS = Column.values().length;
    private static final long FIRST_INTERVAL = 100_000;
    private static final long MOST_SKIPPED = 64;
    private static final long TIMED_PER_SAMPLE = 8;

    /** A clock that goes back further than events of several CPUs are mixed up has begun anew. */
    private static final long NEW_CLOCK = 1_000_000_000;

    private static final double SECOND = 1e9;
    private static final double EVENTS = 1e3;

    private final List<Long> pageSizes;
    private final OperationTimes times = OperationTimes.sampled();
    private final SizeHistogram mapSizes = new SizeHistogram();
    private final SizeHistogram unmapSizes = new SizeHistogram();
    private final SizeHistogram mapRuns = new SizeHistogram();
    private final SizeHistogram unmapRuns = new SizeHistogram();
    private final List<NeighbourRuns> runs = new ArrayList<>();
    private final long[] values;
    private Optional<Timeline> timeline = Optional.empty();
    private boolean seconds = true;
    private long events;
    private long eventsAtSample;
    private long skipped;
    private long firstTime;
    private long lastTime;
    private long elapsed;

    /**
     * Begins a recording.
     *
     * @param settings what the trace is replayed on
     */
    ReplayRecording(ReplaySettings settings) {
        pageSizes = settings.pageSizes();
        values = new long[COLUMNS + pageSizes.size()];
    }

    @Override
    public void read(TraceEvent event, TraceReader reader) {
        if (skipped > 0) {
            skipped--;
            event.time = TraceTime.UNKNOWN;
        } else {
            skipped = Math.min((events - eventsAtSample) / TIMED_PER_SAMPLE, MOST_SKIPPED);
            event.time = reader.time();
        }
    }

    @Override
    public void before(TraceEvent event, TracedDomain domain, Replay replay) {
        count(event, domain);
        if (timeline.isEmpty()) {
            seconds = event.time != TraceTime.UNKNOWN;
            firstTime = event.time;
            lastTime = event.time;
            timeline = Optional.of(new Timeline(values, seconds ? FIRST_INTERVAL : 1));
        }
        if (advance(event.time) && timeline.get().isDue(elapsed)) {
            gather(replay);
            timeline.get().hold(elapsed, values);
            eventsAtSample = events;
        }
        events++;
    }

    @Override
    public void end(Replay replay) {
        runs.forEach(NeighbourRuns::end);
        timeline.ifPresent(samples -> {
            elapsed = seconds ? elapsed : events;
            gather(replay);
            samples.hold(elapsed, values);
            samples.end();
        });
    }

    @Override
    public OperationTimes times() {
        return times;
    }

    /** Page sizes in bytes, ascending. */
    List<Long> pageSizes() {
        return pageSizes;
    }

    /** When samples were taken. */
    TimeAxis axis() {
        double[] moments = samples().times(ticks());
        return seconds
                ? TimeAxis.seconds("time of the trace, s", moments)
                : new TimeAxis("events of the trace, thousands", Unit.COUNT, moments);
    }

    /** When the first event was logged, in seconds; none if the trace does not say. */
    Optional<Double> firstSecond() {
        return seconds ? Optional.of(firstTime / SECOND) : Optional.empty();
    }

    /** What there was at each sample. */
    double[] levels(Column column) {
        return samples().levels(column.ordinal());
    }

    /** How many leaves of a size there were at each sample. */
    double[] leaves(long pageSize) {
        return samples().levels(COLUMNS + pageSizes.indexOf(pageSize));
    }

    /** How much happened a second, or in a thousand events, before each sample. */
    double[] rates(Column column) {
        return samples().rates(column.ordinal(), ticks());
    }

    /** Sizes of maps. */
    SizeHistogram mapSizes() {
        return mapSizes;
    }

    /** Sizes that unmaps asked for. */
    SizeHistogram unmapSizes() {
        return unmapSizes;
    }

    /** Sizes of runs of neighbours that were mapped one after another. */
    SizeHistogram mapRuns() {
        return mapRuns;
    }

    /** Sizes of runs of neighbours that were unmapped one after another. */
    SizeHistogram unmapRuns() {
        return unmapRuns;
    }

    private Timeline samples() {
        return timeline.orElseThrow(() -> new IllegalStateException("nothing was replayed"));
    }

    private double ticks() {
        return seconds ? SECOND : EVENTS;
    }

    private void count(TraceEvent event, TracedDomain domain) {
        while (runs.size() <= domain.number) {
            runs.add(new NeighbourRuns(mapRuns, unmapRuns));
        }
        switch (event.kind) {
            case MAP -> {
                mapSizes.add(event.size);
                runs.get(domain.number).map(event.iova, event.size);
            }
            case UNMAP -> {
                long size = Math.max(event.size, 1);
                unmapSizes.add(size);
                runs.get(domain.number).unmap(event.iova, size);
            }
            case FLUSH -> {}
        }
    }

    /** Moves on to an event's time; false if that is not known. */
    private boolean advance(long time) {
        if (!seconds) {
            elapsed = events;
            return true;
        }
        if (time == TraceTime.UNKNOWN) {
            return false;
        }
        if (time > lastTime) {
            elapsed += time - lastTime;
            lastTime = time;
        } else if (lastTime - time > NEW_CLOCK) {
            lastTime = time;
        }
        return true;
    }

    private void gather(Replay replay) {
        Arrays.fill(values, 0);
        ReplayCounts counts = replay.counts();
        put(Column.HELD_PAGES, replay.heldPages());
        put(Column.OVER_UNMAP_AVOIDED, counts.overUnmapAvoidedBytes);
        put(Column.REUSE_WAITS, counts.reuseWaits);
        put(Column.MAPS, counts.mapsDone);
        put(Column.UNMAPS, counts.unmapsDone);
        for (ReplayedDomain domain : replay.domains()) {
            DomainStatistics statistics = domain.tables().statistics();
            put(Column.TABLE_PAGES, statistics.tablePages());
            put(Column.SPLITS, statistics.splits());
            put(Column.COALESCES, statistics.coalesces());
            put(Column.PAGE_INVALIDATIONS, statistics.invalidations().page());
            put(Column.DOMAIN_INVALIDATIONS, statistics.invalidations().domain());
            put(Column.GLOBAL_INVALIDATIONS, statistics.invalidations().global());
            for (int i = 0; i < pageSizes.size(); i++) {
                values[COLUMNS + i] += statistics.leaves().getOrDefault(pageSizes.get(i), 0L);
            }
        }
    }

    private void put(Column column, long value) {
        values[column.ordinal()] += value;
    }
}
