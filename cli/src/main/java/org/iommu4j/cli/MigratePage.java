package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.iommu4j.cli.migrate.MigrateSettings;
import org.iommu4j.cli.migrate.MigrationReport;
import org.iommu4j.cli.report.Chart;
import org.iommu4j.cli.report.ReportPage;
import org.iommu4j.cli.report.ReportPage.Fact;
import org.iommu4j.cli.report.ReportPage.Outcome;
import org.iommu4j.cli.report.Unit;
import org.iommu4j.cli.vm.MemorySize;

/** The page about migrations, the granularities side by side. */
final class MigratePage {
    private static final double MILLISECOND = 1e6;

    private final List<MigrationReport> reports;
    private final ReportPage<MigrationReport> page;

    private MigratePage(MigrateSettings settings, List<MigrationReport> reports) {
        this.reports = reports;
        page =
                new ReportPage<>(
                        "iommu4j migrate: "
                                + MemorySize.text(settings.vm().memory())
                                + " in pages of "
                                + PageSize.text(settings.vm().page()),
                        "A VM's memory is copied while its devices write to it; writes are told apart"
                                + " by page",
                        reports,
                        reports.stream().map(MigratePage::name).toList());
    }

    /**
     * Makes the page.
     *
     * @param settings what was migrated
     * @param reports what was seen of each migration, at least one
     * @param interrupted whether the devices were stopped early
     * @param facts what ran, where and when
     */
    static ReportPage<?> of(
            MigrateSettings settings,
            List<MigrationReport> reports,
            boolean interrupted,
            List<Fact> facts) {
        MigratePage made = new MigratePage(settings, reports);
        made.verdict(interrupted);
        made.figures();
        made.rounds();
        List<Fact> all = new ArrayList<>(facts);
        all.addAll(ReportOption.facts(settings.vm()));
        made.page.facts(all);
        return made.page;
    }

    private static String name(MigrationReport report) {
        return PageSize.text(report.granularity());
    }

    private void verdict(boolean interrupted) {
        for (MigrationReport report : reports) {
            page.verdict(
                    report.isClean() ? Outcome.GOOD : Outcome.BAD,
                    name(report) + ": " + MigrateTable.verdict(report));
            report.firstWrong().stream()
                    .limit(1)
                    .forEach(wrong -> page.verdict(Outcome.BAD, name(report) + ": " + wrong));
        }
        if (interrupted) {
            page.verdict(Outcome.NOTABLE, "It was interrupted; the devices were stopped then.");
        }
    }

    private void figures() {
        page.row("rounds", Unit.COUNT, MigrationReport::rounds);
        page.row("copied", Unit.BYTES, MigrationReport::bytesCopied);
        page.row("copied while stopped", Unit.BYTES, MigrationReport::lastBytes);
        page.row("live for", Unit.SECONDS, MigrationReport::seconds);
        page.row("stopped for", Unit.NANOSECONDS, r -> r.stoppedMillis() * MILLISECOND);
        page.row("DMA writes", Unit.COUNT, MigrationReport::writes);
        page.row("differing pages", Unit.COUNT, MigrationReport::differingPages);
        page.row("wrong data", Unit.COUNT, MigrationReport::wrongData);
        page.row("faults", Unit.COUNT, MigrationReport::faults);
        page.row("violations", Unit.COUNT, MigrationReport::violations);
    }

    private void rounds() {
        page.section(
                "Rounds",
                "The first round copies all of the memory, each further one what was written since,"
                        + " and the last one what was written when the devices were stopped.");
        int most = reports.stream().mapToInt(MigrationReport::rounds).max().orElse(0);
        List<String> labels = IntStream.rangeClosed(1, most).mapToObj(Integer::toString).toList();
        Chart copied =
                Chart.logarithmic("Copied in each round", "round", labels, "bytes", Unit.BYTES)
                        .note(
                                "The scale is logarithmic; a round that copied nothing has no point.");
        for (MigrationReport report : reports) {
            copied.add(
                    name(report),
                    report.copied().stream()
                            .mapToDouble(bytes -> bytes > 0 ? bytes : Double.NaN)
                            .toArray());
        }
        page.chart(copied);
        Chart tables =
                Chart.bars(
                        "Table pages before, at worst and after",
                        "moment",
                        List.of("before", "at worst", "after"),
                        "pages of 4 KiB",
                        Unit.COUNT);
        for (MigrationReport report : reports) {
            MigrationReport.TablePages pages = report.tables();
            tables.add(
                    name(report),
                    Stream.of(pages.before(), pages.peak(), pages.after())
                            .mapToDouble(Long::doubleValue)
                            .toArray());
        }
        page.chart(tables);
    }
}
