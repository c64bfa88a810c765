package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.iommu4j.cli.OperationTimes.Operation;
import org.iommu4j.cli.ReplayRecording.Column;
import org.iommu4j.cli.report.Chart;
import org.iommu4j.cli.report.Percentiles;
import org.iommu4j.cli.report.ReportPage;
import org.iommu4j.cli.report.ReportPage.Fact;
import org.iommu4j.cli.report.ReportPage.Outcome;
import org.iommu4j.cli.report.SizeHistogram;
import org.iommu4j.cli.report.Unit;

/** The page about one replay, or about several of one trace with different flush policies. */
final class ReplayPage {
    /**
     * A replay.
     *
     * @param report what it found
     * @param kept what was kept while it ran, if a page is wanted
     */
    record Run(ReplayReport report, Optional<ReplayRecording> kept) {
        ReplayRecording recording() {
            return kept.orElseThrow();
        }

        boolean isClean() {
            return report.counts().violations.count() == 0;
        }

        String policy() {
            return report.settings().flush();
        }
    }

    private final String trace;
    private final List<Run> runs;
    private final ReplayReport report;
    private final ReplayRecording recording;
    private final ReportPage<Run> page;

    private ReplayPage(String trace, List<Run> runs) {
        this.trace = trace;
        this.runs = runs;
        this.report = runs.getFirst().report();
        this.recording = runs.getFirst().recording();
        this.page =
                new ReportPage<>("iommu4j replay: " + fileName(trace), lead(), runs, policies());
    }

    /**
     * Makes the page.
     *
     * @param trace the trace's name
     * @param runs the replays, at least one, all of the same trace
     * @param facts what ran, where and when
     */
    static ReportPage<?> of(String trace, List<Run> runs, List<Fact> facts) {
        ReplayPage made = new ReplayPage(trace, runs);
        made.verdict();
        made.figures();
        made.memory();
        made.work();
        made.sizes();
        made.times();
        made.facts(facts);
        return made.page;
    }

    private String lead() {
        return String.format(
                Locale.ROOT,
                "%,d maps and unmaps of %,d %s, replayed on live page tables with flush %s",
                report.events(),
                report.domains(),
                report.domains() == 1 ? "domain" : "domains",
                String.join(", ", policies()));
    }

    private static String fileName(String trace) {
        return trace.substring(trace.lastIndexOf('/') + 1);
    }

    private List<String> policies() {
        return runs.stream().map(Run::policy).toList();
    }

    private void verdict() {
        long violations =
                runs.stream().mapToLong(run -> run.report().counts().violations.count()).sum();
        page.verdict(
                violations == 0 ? Outcome.GOOD : Outcome.BAD,
                violations == 0
                        ? "The tables agreed with the kernel's view at every step."
                        : "The tables disagreed with the kernel's view; the first time:");
        for (Run run : runs) {
            run.report().counts().violations.first().stream()
                    .limit(1)
                    .forEach(first -> page.verdict(Outcome.BAD, run.policy() + ": " + first));
        }
    }

    private void figures() {
        page.row("maps", Unit.COUNT, run -> run.report().counts().map);
        page.row("unmaps", Unit.COUNT, run -> run.report().counts().unmap);
        page.row("mapped", Unit.BYTES, run -> run.report().counts().bytesMapped);
        page.row("unmapped", Unit.BYTES, run -> run.report().counts().bytesUnmapped);
        page.row(
                "over-unmap avoided",
                Unit.BYTES,
                run -> run.report().counts().overUnmapAvoidedBytes);
        page.row("splits", Unit.COUNT, run -> run.report().splits());
        page.row("coalesces", Unit.COUNT, run -> run.report().coalesces());
        page.row("table pages at the peak", Unit.COUNT, run -> run.report().peakTablePages());
        page.row("table pages held back, peak", Unit.COUNT, run -> run.report().heldPages());
        page.row("page invalidations", Unit.COUNT, run -> run.report().invalidations().page());
        page.row("domain invalidations", Unit.COUNT, run -> run.report().invalidations().domain());
        page.row("global invalidations", Unit.COUNT, run -> run.report().invalidations().global());
        page.row("maps that waited", Unit.COUNT, run -> run.report().counts().reuseWaits);
        page.row("ambiguous events", Unit.COUNT, run -> run.report().ambiguous());
        page.row("violations", Unit.COUNT, run -> run.report().counts().violations.count());
        page.row("time of the replay", Unit.SECONDS, run -> run.report().seconds());
        page.row("events a second", Unit.COUNT, run -> Math.round(run.report().eventsPerSecond()));
    }

    private void memory() {
        page.section("Memory over time", begins());
        for (List<Run> same : sameLeaves()) {
            ReplayRecording first = same.getFirst().recording();
            Chart leaves =
                    Chart.levels("Live leaves by size" + among(same), "leaves", Unit.COUNT)
                            .scale("leaves");
            for (long size : first.pageSizes()) {
                leaves.add(PageSize.text(size), first.axis(), first.leaves(size));
            }
            page.chart(leaves);
        }
        page.chart(levels("Table pages", "pages of 4 KiB", Column.TABLE_PAGES));
        page.chart(
                levels("Table pages held back", "pages of 4 KiB", Column.HELD_PAGES)
                        .note("Unlinked, and waiting for an invalidation before they are reused."));
    }

    private String begins() {
        return recording
                .firstSecond()
                .map(first ->
                        String.format(
                                Locale.ROOT, "0 s is the first event, logged at %.6f s.", first))
                .orElse("The times of this trace are not in seconds; its events are counted.");
    }

    /** The runs in groups, those together whose leaves are the same at every sample. */
    private List<List<Run>> sameLeaves() {
        List<List<Run>> groups = new ArrayList<>();
        for (Run run : runs) {
            groups.stream()
                    .filter(group -> sameLeaves(group.getFirst().recording(), run.recording()))
                    .findFirst()
                    .orElseGet(() -> {
                        groups.add(new ArrayList<>());
                        return groups.getLast();
                    })
                    .add(run);
        }
        return groups;
    }

    private static boolean sameLeaves(ReplayRecording one, ReplayRecording other) {
        return one.pageSizes().stream()
                .allMatch(size -> Arrays.equals(one.leaves(size), other.leaves(size)));
    }

    private String among(List<Run> same) {
        return same.size() == runs.size()
                ? ""
                : ", " + String.join(", ", same.stream().map(Run::policy).toList());
    }

    private void work() {
        page.section("Work over time", "");
        page.chart(
                Chart.rates("Events", "events", Unit.COUNT_PER_SECOND)
                        .add("maps", recording.axis(), recording.rates(Column.MAPS))
                        .add("unmaps", recording.axis(), recording.rates(Column.UNMAPS)));
        if (runs.size() == 1) {
            page.chart(
                    Chart.rates("Invalidations", "requests", Unit.COUNT_PER_SECOND)
                            .add(
                                    "of pages",
                                    recording.axis(),
                                    recording.rates(Column.PAGE_INVALIDATIONS))
                            .add(
                                    "of a domain",
                                    recording.axis(),
                                    recording.rates(Column.DOMAIN_INVALIDATIONS))
                            .add(
                                    "global",
                                    recording.axis(),
                                    recording.rates(Column.GLOBAL_INVALIDATIONS)));
        } else {
            page.chart(
                    perRun(
                            Chart.rates("Invalidations", "requests", Unit.COUNT_PER_SECOND)
                                    .note("Of pages, of a domain and global together."),
                            ReplayPage::invalidations));
        }
        page.chart(
                rates(
                                "Over-unmap avoided",
                                "bytes",
                                Unit.BYTES_PER_SECOND,
                                Column.OVER_UNMAP_AVOIDED)
                        .note(
                                "What the kernel unmapped beside what was asked, because a leaf was"
                                        + " covered in part, and a split kept mapped."));
        page.chart(rates("Splits", "splits", Unit.COUNT_PER_SECOND, Column.SPLITS));
        page.chart(rates("Coalesces", "coalesces", Unit.COUNT_PER_SECOND, Column.COALESCES));
        page.chart(
                rates(
                        "Maps that waited for a flush",
                        "maps",
                        Unit.COUNT_PER_SECOND,
                        Column.REUSE_WAITS));
    }

    private static double[] invalidations(ReplayRecording recording) {
        double[] page = recording.rates(Column.PAGE_INVALIDATIONS);
        double[] domain = recording.rates(Column.DOMAIN_INVALIDATIONS);
        double[] global = recording.rates(Column.GLOBAL_INVALIDATIONS);
        return IntStream.range(0, page.length)
                .mapToDouble(i -> page[i] + domain[i] + global[i])
                .toArray();
    }

    private void sizes() {
        page.section(
                "Sizes", "Each bar counts the sizes from its label up to the next power of two.");
        List<String> kinds = List.of("maps", "unmaps");
        page.chart(
                SizeHistogram.chart(
                        "Sizes of maps and unmaps",
                        "size",
                        "events",
                        kinds,
                        List.of(recording.mapSizes(), recording.unmapSizes())));
        page.chart(
                SizeHistogram.chart(
                                "Runs of neighbours",
                                "size of the run",
                                "runs",
                                kinds,
                                List.of(recording.mapRuns(), recording.unmapRuns()))
                        .note(
                                "Maps, or unmaps, of one domain whose ranges touch and that follow"
                                        + " each other, taken together."));
    }

    private void times() {
        page.section(
                "Time taken",
                "By the tables under test, of one operation in 16; the scale is logarithmic.");
        for (Operation operation : Operation.values()) {
            String name = operation.name().toLowerCase(Locale.ROOT);
            Chart chart = Percentiles.chart("Time of each " + name, name + "s");
            for (Run run : runs) {
                chart.add(run.policy(), Percentiles.of(run.recording().times().of(operation)));
            }
            page.chart(chart);
        }
    }

    private void facts(List<Fact> facts) {
        ReplaySettings settings = report.settings();
        List<Fact> all = new ArrayList<>(facts);
        all.add(
                new Fact(
                        "trace",
                        String.format(Locale.ROOT, "%s, %,d lines", trace, report.lines())));
        all.add(new Fact("backend", settings.backend() + " on " + settings.machine()));
        all.add(new Fact("page sizes", PageSize.text(settings.pageSizes())));
        all.add(new Fact("partial unmap", settings.partialUnmapName()));
        all.add(new Fact("coalesce", settings.coalesceText()));
        all.add(new Fact("flush", String.join(", ", policies())));
        all.add(new Fact("domains told apart", DomainAttribution.HEURISTIC));
        page.facts(all);
    }

    private Chart levels(String title, String name, Column column) {
        return perRun(Chart.levels(title, name, Unit.COUNT), each -> each.levels(column));
    }

    private Chart rates(String title, String name, Unit unit, Column column) {
        return perRun(Chart.rates(title, name, unit), each -> each.rates(column));
    }

    private Chart perRun(Chart chart, Function<ReplayRecording, double[]> values) {
        for (Run run : runs) {
            chart.add(run.policy(), run.recording().axis(), values.apply(run.recording()));
        }
        return chart;
    }
}
