package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.swap.SplitStrategy;
import org.iommu4j.cli.swap.StrategyReport;
import org.iommu4j.cli.swap.SwapSettings;
import org.iommu4j.cli.vm.MemorySize;

/** What the swap scenario showed as a short table for people, the strategies side by side. */
final class SwapTable {
    private final SwapSettings settings;
    private final List<StrategyReport> reports;
    private final Columns<StrategyReport> columns;

    private SwapTable(PrintStream out, SwapSettings settings, List<StrategyReport> reports) {
        this.settings = settings;
        this.reports = reports;
        columns = new Columns<>(out, reports);
    }

    static void print(
            SwapSettings settings,
            List<StrategyReport> reports,
            boolean interrupted,
            PrintStream out) {
        SwapTable table = new SwapTable(out, settings, reports);
        table.scenario();
        if (interrupted) {
            table.columns.line("interrupted", "this is what was seen until then");
        }
        table.traffic();
        table.work();
        table.tables();
        table.latency();
        table.whatWasWrong();
        table.verdict();
    }

    private void scenario() {
        columns.line(
                "machine",
                settings.vm().machine()
                        + ", driven by "
                        + settings.vm().backend()
                        + ", flush "
                        + settings.flush()
                        + (reports.stream().allMatch(StrategyReport::sanitized)
                                ? ""
                                : ", no sanitizer"));
        columns.line(
                "memory",
                MemorySize.text(settings.vm().memory())
                        + " in pages of "
                        + PageSize.text(settings.vm().page())
                        + ", "
                        + (settings.workingSet() == settings.vm().memory()
                                ? "all"
                                : MemorySize.text(settings.workingSet()))
                        + " of it used by "
                        + settings.vm().devices()
                        + (settings.vm().devices() == 1 ? " device" : " devices"));
        columns.line("seed", Long.toString(settings.vm().seed()));
        columns.gap();
    }

    private void traffic() {
        columns.row("", report -> report.strategy().toString());
        columns.row("seconds", report -> String.format(Locale.ROOT, "%.1f", report.seconds()));
        columns.numbers("DMAs", StrategyReport::dmas);
        columns.numbers("DMAs a second", report -> Math.round(report.dmasPerSecond()));
        columns.numbers("expected faults", StrategyReport::expectedFaults);
        columns.numbers("spurious faults", StrategyReport::spuriousFaults);
        columns.row("faults are", report -> report.faults().toString());
        columns.numbers("page requests", StrategyReport::pageRequests);
        columns.numbers("wrong data", StrategyReport::wrongData);
        columns.row(
                "violations",
                report ->
                        report.sanitized()
                                ? Columns.number(report.violations())
                                : "not looked for");
    }

    private void work() {
        columns.numbers("pages swapped", StrategyReport::swaps);
        columns.numbers("made whole again", StrategyReport::madeWhole);
        columns.numbers("splits", report -> report.statistics().splits());
        columns.numbers("invalidations", StrategyReport::invalidations);
    }

    private void tables() {
        tables("before", StrategyReport.Tables::before);
        tables("at worst", StrategyReport.Tables::worst);
        tables("after", StrategyReport.Tables::after);
    }

    private void tables(String when, Function<StrategyReport.Tables, DomainStatistics> held) {
        columns.numbers("tables " + when, report -> held.apply(report.tables()).tablePages());
        columns.row("leaves " + when, report -> leaves(held.apply(report.tables())));
    }

    /** Those sizes that there are: {@code 511 4k, 511 2m}. */
    private static String leaves(DomainStatistics held) {
        return held.leaves().entrySet().stream()
                .filter(leaf -> leaf.getValue() > 0)
                .map(leaf -> leaf.getValue() + " " + PageSize.text(leaf.getKey()))
                .collect(Collectors.joining(", "));
    }

    private void latency() {
        percentiles("latency", StrategyReport::latency);
        if (reports.stream().anyMatch(report -> report.faultService().getTotalCount() > 0)) {
            percentiles("service", StrategyReport::faultService);
        }
    }

    private void percentiles(String name, Function<StrategyReport, Histogram> times) {
        columns.row(
                name + " p50",
                report -> Columns.time(times.apply(report).getValueAtPercentile(50)));
        columns.row(
                name + " p99",
                report -> Columns.time(times.apply(report).getValueAtPercentile(99)));
        columns.row(
                name + " p99.9",
                report -> Columns.time(times.apply(report).getValueAtPercentile(99.9)));
        columns.row(name + " max", report -> Columns.time(times.apply(report).getMaxValue()));
    }

    private void whatWasWrong() {
        for (StrategyReport report : reports) {
            report.firstWrong().forEach(wrong -> columns.line(report.strategy().toString(), wrong));
        }
    }

    private void verdict() {
        columns.gap();
        for (StrategyReport report : reports) {
            columns.line(report.strategy().toString(), verdict(report));
        }
    }

    /** How a strategy did, in a sentence. */
    static String verdict(StrategyReport report) {
        String faults =
                report.spuriousFaults() == 0
                        ? "no device faulted at a page that was there"
                        : Columns.number(report.spuriousFaults())
                                + " DMAs faulted at pages that were never taken";
        if (report.wrongData() > 0 || report.violations() > 0) {
            return faults + "; BROKEN: wrong data or violations, see above";
        }
        return report.strategy() == SplitStrategy.HITLESS && !report.isClean()
                ? faults + ": BROKEN, there must be none"
                : faults;
    }
}
