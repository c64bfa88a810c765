package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.HdrHistogram.Histogram;
import org.iommu4j.cli.swap.MemorySize;
import org.iommu4j.cli.swap.SplitStrategy;
import org.iommu4j.cli.swap.StrategyReport;
import org.iommu4j.cli.swap.SwapSettings;

/** What the swap scenario showed as a short table for people, the strategies side by side. */
final class SwapTable {
    private static final double MICROSECOND = 1e3;
    private static final double MILLISECOND = 1e6;

    private final PrintStream out;
    private final SwapSettings settings;
    private final List<StrategyReport> reports;

    private SwapTable(PrintStream out, SwapSettings settings, List<StrategyReport> reports) {
        this.out = out;
        this.settings = settings;
        this.reports = reports;
    }

    static void print(
            SwapSettings settings,
            List<StrategyReport> reports,
            boolean interrupted,
            PrintStream out) {
        SwapTable table = new SwapTable(out, settings, reports);
        table.scenario();
        if (interrupted) {
            table.line("interrupted", "this is what was seen until then");
        }
        table.traffic();
        table.work();
        table.latency();
        table.whatWasWrong();
        table.verdict();
    }

    private void scenario() {
        line(
                "machine",
                settings.machine()
                        + ", driven by "
                        + settings.backend()
                        + ", flush "
                        + settings.flush()
                        + (reports.stream().allMatch(StrategyReport::sanitized)
                                ? ""
                                : ", no sanitizer"));
        line(
                "memory",
                MemorySize.text(settings.memory())
                        + " in pages of "
                        + PageSize.text(settings.page())
                        + ", "
                        + (settings.workingSet() == settings.memory()
                                ? "all"
                                : MemorySize.text(settings.workingSet()))
                        + " of it used by "
                        + settings.devices()
                        + (settings.devices() == 1 ? " device" : " devices"));
        line("seed", Long.toString(settings.seed()));
        out.println();
    }

    private void traffic() {
        row("", report -> report.strategy().toString());
        row("seconds", report -> String.format(Locale.ROOT, "%.1f", report.seconds()));
        numbers("DMAs", StrategyReport::dmas);
        numbers("DMAs a second", report -> Math.round(report.dmasPerSecond()));
        numbers("expected faults", StrategyReport::expectedFaults);
        numbers("spurious faults", StrategyReport::spuriousFaults);
        row("faults are", report -> report.faults().toString());
        numbers("page requests", StrategyReport::pageRequests);
        numbers("wrong data", StrategyReport::wrongData);
        row(
                "violations",
                report -> report.sanitized() ? number(report.violations()) : "not looked for");
    }

    private void work() {
        numbers("pages swapped", StrategyReport::swaps);
        numbers("made whole again", StrategyReport::madeWhole);
        numbers("splits", report -> report.statistics().splits());
        numbers("table pages", report -> report.statistics().tablePages());
        numbers("invalidations", StrategyReport::invalidations);
    }

    private void latency() {
        percentiles("latency", StrategyReport::latency);
        if (reports.stream().anyMatch(report -> report.faultService().getTotalCount() > 0)) {
            percentiles("service", StrategyReport::faultService);
        }
    }

    private void percentiles(String name, Function<StrategyReport, Histogram> times) {
        row(name + " p50", report -> time(times.apply(report).getValueAtPercentile(50)));
        row(name + " p99", report -> time(times.apply(report).getValueAtPercentile(99)));
        row(name + " p99.9", report -> time(times.apply(report).getValueAtPercentile(99.9)));
        row(name + " max", report -> time(times.apply(report).getMaxValue()));
    }

    private void whatWasWrong() {
        for (StrategyReport report : reports) {
            report.firstWrong().forEach(wrong -> line(report.strategy().toString(), wrong));
        }
    }

    private void verdict() {
        out.println();
        for (StrategyReport report : reports) {
            line(report.strategy().toString(), verdict(report));
        }
    }

    private static String verdict(StrategyReport report) {
        String faults =
                report.spuriousFaults() == 0
                        ? "no device faulted at a page that was there"
                        : number(report.spuriousFaults())
                                + " DMAs faulted at pages that were never taken";
        if (report.wrongData() > 0 || report.violations() > 0) {
            return faults + "; BROKEN: wrong data or violations, see above";
        }
        return report.strategy() == SplitStrategy.HITLESS && !report.isClean()
                ? faults + ": BROKEN, there must be none"
                : faults;
    }

    private void numbers(String name, ToLongFunction<StrategyReport> value) {
        row(name, report -> number(value.applyAsLong(report)));
    }

    private void row(String name, Function<StrategyReport, String> value) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-18s", name));
        for (StrategyReport report : reports) {
            line.append(String.format(Locale.ROOT, "%16s", value.apply(report)));
        }
        out.println(line);
    }

    private void line(String name, String value) {
        out.println(String.format(Locale.ROOT, "%-18s", name) + value);
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String time(long nanos) {
        if (nanos < MICROSECOND) {
            return nanos + " ns";
        }
        return nanos < MILLISECOND
                ? String.format(Locale.ROOT, "%.1f us", nanos / MICROSECOND)
                : String.format(Locale.ROOT, "%.1f ms", nanos / MILLISECOND);
    }
}
