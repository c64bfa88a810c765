package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.report.Chart;
import org.iommu4j.cli.report.Percentiles;
import org.iommu4j.cli.report.ReportPage;
import org.iommu4j.cli.report.ReportPage.Fact;
import org.iommu4j.cli.report.ReportPage.Outcome;
import org.iommu4j.cli.report.Unit;
import org.iommu4j.cli.swap.StrategyReport;
import org.iommu4j.cli.swap.StrategyTimeline;
import org.iommu4j.cli.swap.StrategyTimeline.Column;
import org.iommu4j.cli.swap.SwapSettings;
import org.iommu4j.cli.vm.MemorySize;

/** The page about the swap scenario, the strategies side by side. */
final class SwapPage {
    private static final List<String> MOMENTS = List.of("before", "at worst", "after");

    private final SwapSettings settings;
    private final List<StrategyReport> reports;
    private final ReportPage<StrategyReport> page;

    private SwapPage(SwapSettings settings, List<StrategyReport> reports) {
        this.settings = settings;
        this.reports = reports;
        page =
                new ReportPage<>(
                        "iommu4j swap: "
                                + MemorySize.text(settings.vm().memory())
                                + " in pages of "
                                + PageSize.text(settings.vm().page()),
                        "4 KiB pages of a VM are swapped while its devices do DMA",
                        reports,
                        reports.stream().map(report -> report.strategy().toString()).toList());
    }

    /**
     * Makes the page.
     *
     * @param settings what it ran on
     * @param reports what was seen of each strategy, at least one, with its timeline
     * @param interrupted whether the run was ended early
     * @param facts what ran, where and when
     */
    static ReportPage<?> of(
            SwapSettings settings,
            List<StrategyReport> reports,
            boolean interrupted,
            List<Fact> facts) {
        SwapPage made = new SwapPage(settings, reports);
        made.verdict(interrupted);
        made.figures();
        made.traffic();
        made.memory();
        made.work();
        made.latency();
        made.facts(facts);
        return made.page;
    }

    private void verdict(boolean interrupted) {
        for (StrategyReport report : reports) {
            Outcome outcome =
                    !report.isClean()
                            ? Outcome.BAD
                            : report.spuriousFaults() > 0 ? Outcome.NOTABLE : Outcome.GOOD;
            page.verdict(outcome, report.strategy() + ": " + SwapTable.verdict(report));
            report.firstWrong().stream()
                    .limit(1)
                    .forEach(wrong -> page.verdict(Outcome.BAD, report.strategy() + ": " + wrong));
        }
        if (interrupted) {
            page.verdict(Outcome.NOTABLE, "It was interrupted; this is what was seen until then.");
        }
    }

    private void figures() {
        page.row("time", Unit.SECONDS, StrategyReport::seconds);
        page.row("DMAs", Unit.COUNT, StrategyReport::dmas);
        page.row("DMAs a second", Unit.COUNT, report -> Math.round(report.dmasPerSecond()));
        page.row("expected faults", Unit.COUNT, StrategyReport::expectedFaults);
        page.row("spurious faults", Unit.COUNT, StrategyReport::spuriousFaults);
        page.row("page requests", Unit.COUNT, StrategyReport::pageRequests);
        page.row("pages swapped", Unit.COUNT, StrategyReport::swaps);
        page.row("large pages made whole", Unit.COUNT, StrategyReport::madeWhole);
        page.row("splits", Unit.COUNT, report -> report.statistics().splits());
        page.row("coalesces", Unit.COUNT, report -> report.statistics().coalesces());
        page.row("invalidations", Unit.COUNT, StrategyReport::invalidations);
        page.row("wrong data", Unit.COUNT, StrategyReport::wrongData);
        page.row("violations", Unit.COUNT, StrategyReport::violations);
        latency("latency", StrategyReport::latency);
        if (reports.stream().anyMatch(report -> report.faultService().getTotalCount() > 0)) {
            latency("fault service", StrategyReport::faultService);
        }
    }

    private void latency(String name, Function<StrategyReport, Histogram> times) {
        page.row(name + " p50", Unit.NANOSECONDS, r -> times.apply(r).getValueAtPercentile(50));
        page.row(name + " p99", Unit.NANOSECONDS, r -> times.apply(r).getValueAtPercentile(99));
        page.row(name + " p99.9", Unit.NANOSECONDS, r -> times.apply(r).getValueAtPercentile(99.9));
        page.row(name + " max", Unit.NANOSECONDS, r -> times.apply(r).getMaxValue());
    }

    private void traffic() {
        page.section(
                "Devices over time",
                "What comes after the run, to put all back and check it, is not shown.");
        page.chart(rates("DMAs", "DMAs", Column.DMAS));
        page.chart(
                rates("Spurious faults", "DMAs", Column.SPURIOUS_FAULTS)
                        .note(
                                "At pages that were there all the while; with a hitless split none."));
        page.chart(
                rates("Expected faults", "DMAs", Column.EXPECTED_FAULTS)
                        .note("At pages that the host had taken, or was taking or returning."));
        page.chart(rates("Page requests", "requests", Column.PAGE_REQUESTS));
    }

    private void memory() {
        page.section("Memory over time", "");
        for (StrategyReport report : reports) {
            StrategyTimeline timeline = timeline(report);
            Chart leaves =
                    Chart.levels("Live leaves by size, " + report.strategy(), "leaves", Unit.COUNT)
                            .scale("leaves");
            for (long size : timeline.pageSizes()) {
                leaves.add(PageSize.text(size), timeline.axis(), timeline.leaves(size));
            }
            page.chart(leaves);
        }
        page.chart(
                overTime(
                        Chart.levels("Table pages", "pages of 4 KiB", Unit.COUNT),
                        timeline -> timeline.levels(Column.TABLE_PAGES)));
        page.chart(
                perStrategy(
                        Chart.bars(
                                "Table pages before, at worst and after",
                                "moment",
                                MOMENTS,
                                "pages of 4 KiB",
                                Unit.COUNT),
                        report -> moments(report.tables())));
    }

    private static double[] moments(StrategyReport.Tables tables) {
        return List.of(tables.before(), tables.worst(), tables.after()).stream()
                .mapToDouble(DomainStatistics::tablePages)
                .toArray();
    }

    private void work() {
        page.section("The host over time", "");
        page.chart(rates("Pages swapped", "pages", Column.SWAPS));
        page.chart(rates("Splits", "splits", Column.SPLITS));
        page.chart(rates("Coalesces", "coalesces", Column.COALESCES));
        page.chart(
                rates("Invalidations", "requests", Column.INVALIDATIONS)
                        .note("Of pages, of a domain and global together."));
    }

    private void latency() {
        page.section("Time taken", "The scale is logarithmic.");
        page.chart(
                perStrategy(
                        Percentiles.chart("Time of a DMA", "DMAs that did not wait")
                                .note("One in eight is timed."),
                        report -> Percentiles.of(report.latency())));
        page.chart(
                perStrategy(
                        Percentiles.chart("Time of a DMA to a page that was out", "such DMAs")
                                .note("The device asks for the page, and the host brings it back."),
                        report -> Percentiles.of(report.faultService())));
    }

    private void facts(List<Fact> facts) {
        List<Fact> all = new ArrayList<>(facts);
        all.addAll(ReportOption.facts(settings.vm()));
        all.add(new Fact("working set", MemorySize.text(settings.workingSet())));
        all.add(new Fact("flush", settings.flush()));
        StrategyReport first = reports.getFirst();
        all.add(new Fact("faults", first.faults() + ", pages come back " + first.swapIn()));
        page.facts(all);
    }

    private Chart rates(String title, String name, Column column) {
        return overTime(
                Chart.rates(title, name, Unit.COUNT_PER_SECOND),
                timeline -> timeline.rates(column));
    }

    private Chart overTime(Chart chart, Function<StrategyTimeline, double[]> values) {
        for (StrategyReport report : reports) {
            StrategyTimeline timeline = timeline(report);
            chart.add(report.strategy().toString(), timeline.axis(), values.apply(timeline));
        }
        return chart;
    }

    private Chart perStrategy(Chart chart, Function<StrategyReport, double[]> values) {
        for (StrategyReport report : reports) {
            chart.add(report.strategy().toString(), values.apply(report));
        }
        return chart;
    }

    private static StrategyTimeline timeline(StrategyReport report) {
        return report.timeline().orElseThrow();
    }
}
