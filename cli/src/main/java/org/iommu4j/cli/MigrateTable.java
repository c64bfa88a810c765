package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import org.iommu4j.cli.migrate.MigrateSettings;
import org.iommu4j.cli.migrate.MigrationReport;
import org.iommu4j.cli.vm.MemorySize;
import org.iommu4j.cli.vm.VmSettings;

/** What migrations showed as a short table for people, the granularities side by side. */
final class MigrateTable {
    private static final double MEBIBYTE = 1 << 20;
    private static final double SECOND = 1e9;
    private static final double MILLISECOND = 1e6;

    private final VmSettings vm;
    private final List<MigrationReport> reports;
    private final Columns<MigrationReport> columns;

    private MigrateTable(VmSettings vm, List<MigrationReport> reports, PrintStream out) {
        this.vm = vm;
        this.reports = reports;
        columns = new Columns<>(out, reports);
    }

    static void print(
            MigrateSettings settings,
            List<MigrationReport> reports,
            boolean interrupted,
            PrintStream out) {
        MigrateTable table = new MigrateTable(settings.vm(), reports, out);
        table.scenario(interrupted);
        table.copying();
        table.proof();
        table.tables();
        table.verdict();
    }

    private void scenario(boolean interrupted) {
        boolean sanitized = reports.stream().allMatch(MigrationReport::sanitized);
        columns.line(
                "machine",
                vm.machine() + ", driven by " + vm.backend() + (sanitized ? "" : ", no sanitizer"));
        columns.line(
                "memory",
                MemorySize.text(vm.memory())
                        + " in pages of "
                        + PageSize.text(vm.page())
                        + ", written by "
                        + vm.devices()
                        + (vm.devices() == 1 ? " device" : " devices"));
        columns.line("seed", Long.toString(vm.seed()));
        if (interrupted) {
            columns.line("interrupted", "the devices were stopped then");
        }
        columns.gap();
    }

    private void copying() {
        columns.row("granularity", report -> PageSize.text(report.granularity()));
        columns.numbers("rounds", MigrationReport::rounds);
        columns.row("copied", report -> mebibytes(report.bytesCopied()));
        columns.row("copied stopped", report -> mebibytes(report.lastBytes()));
        columns.row("live for", report -> Columns.time(Math.round(report.seconds() * SECOND)));
        columns.row(
                "stopped for",
                report -> Columns.time(Math.round(report.stoppedMillis() * MILLISECOND)));
        columns.numbers("DMA writes", MigrationReport::writes);
    }

    private void proof() {
        columns.row("copy equal", report -> report.copyEqual() ? "yes" : "NO");
        columns.numbers("differing pages", MigrationReport::differingPages);
        columns.numbers("wrong data", MigrationReport::wrongData);
        columns.numbers("faults", MigrationReport::faults);
        columns.row(
                "violations",
                report ->
                        report.sanitized()
                                ? Columns.number(report.violations())
                                : "not looked for");
    }

    private void tables() {
        columns.numbers("tables before", report -> report.tables().before());
        columns.numbers("tables at worst", report -> report.tables().peak());
        columns.numbers("tables after", report -> report.tables().after());
        for (MigrationReport report : reports) {
            report.firstWrong()
                    .forEach(wrong -> columns.line(PageSize.text(report.granularity()), wrong));
        }
    }

    private void verdict() {
        columns.gap();
        for (MigrationReport report : reports) {
            columns.line(PageSize.text(report.granularity()), verdict(report));
        }
    }

    /** How a migration ended, in a sentence. */
    static String verdict(MigrationReport report) {
        if (!report.copyEqual()) {
            return "BROKEN: the copy differs from the source, see above";
        }
        if (report.wrongData() > 0 || report.violations() > 0 || report.faults() > 0) {
            return "BROKEN: the copy is equal, but see above";
        }
        return report.healed()
                ? "the copy is equal, and no DMA faulted"
                : "BROKEN: the copy is equal, but tables were left behind";
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%,.1f MiB", bytes / MEBIBYTE);
    }
}
