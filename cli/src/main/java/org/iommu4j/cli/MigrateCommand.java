package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.cli.migrate.MigrateSettings;
import org.iommu4j.cli.migrate.MigrationReport;
import org.iommu4j.cli.migrate.MigrationScenario;
import org.iommu4j.cli.report.ReportFile;
import org.iommu4j.cli.vm.Machines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code iommu4j migrate}: live migration by dirty tracking. */
@Command(
        name = "migrate",
        description = {
            "Copies the memory of a VM while the VM's devices write to it, and proves that the copy"
                    + " is equal.",
            "",
            "The VM's memory is mapped with large pages. Devices write the same few pages again and"
                    + " again, and now and then any other, as fast as they can. All of the memory is"
                    + " copied, then, round by round, what was written since. When little is left, or"
                    + " what is left stops shrinking, the devices are stopped for the last round, and"
                    + " source and copy are compared byte by byte. This is done once for each"
                    + " granularity at which writes are told apart: leaves are split to it first, and"
                    + " merged again at the end.",
            ""
        },
        footer = {
            "",
            "Exit codes: 0 done, 1 a copy that differs, wrong data, a blocked DMA, more tables than"
                    + " before or a finding of the sanitizer, 2 bad usage."
        })
final class MigrateCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(MigrateCommand.class);
    private static final long USUAL_MEMORY = 512L << 20;

    private final Streams streams;
    private final IommuOpener opener;
    private final Machines machines;

    @Mixin private VmOptions vm = new VmOptions();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = MemorySizeConverter.class,
            description =
                    "The VM's memory. What nobody writes costs nothing. Default: 512m, or one large"
                            + " page.")
    private Optional<Long> memory = Optional.empty();

    @Option(
            names = "--granularity",
            paramLabel = "SIZE",
            split = ",",
            converter = PageSize.Converter.class,
            description =
                    "At which page sizes writes are told apart, of 4k, 2m and 1g, one migration"
                            + " each. Default: all up to that of the large page.")
    private List<PageSize> granularities = new ArrayList<>();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "5",
            description =
                    "After how long the devices are stopped at the latest. Default:"
                            + " ${DEFAULT-VALUE}.")
    private BigDecimal seconds = BigDecimal.ZERO;

    @Mixin private ReportOption report = new ReportOption();

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Inject
    MigrateCommand(Streams streams, IommuOpener opener, Machines machines) {
        this.streams = streams;
        this.opener = opener;
        this.machines = machines;
    }

    @Override
    public Integer call() throws IOException {
        MigrateSettings settings = settings();
        LOG.debug("migrating with {}", settings);
        MigrationScenario scenario = new MigrationScenario(settings, machines, opener::open);
        try (ReportFile file = report.begin();
                Interruption interruption = Interruption.calls(scenario::interrupt)) {
            List<MigrationReport> reports = run(scenario, settings);
            if (json) {
                MigrateJson.print(settings, reports, interruption.hasHappened(), streams.out());
            } else {
                MigrateTable.print(settings, reports, interruption.hasHappened(), streams.out());
            }
            boolean interrupted = interruption.hasHappened();
            report.write(
                    file,
                    facts -> MigratePage.of(settings, reports, interrupted, facts),
                    streams.err());
            return reports.stream().allMatch(MigrationReport::isClean) ? 0 : 1;
        }
    }

    private MigrateSettings settings() {
        long large = vm.page().bytes();
        List<Long> sizes =
                granularities.isEmpty()
                        ? Arrays.stream(PageSize.values())
                                .map(PageSize::bytes)
                                .filter(size -> size <= large)
                                .toList()
                        : granularities.stream().map(PageSize::bytes).toList();
        try {
            return new MigrateSettings(
                    vm.settings(memory.orElse(Math.max(USUAL_MEMORY, large)), seconds), sizes);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    private List<MigrationReport> run(MigrationScenario scenario, MigrateSettings settings) {
        try (RunProgress<Long> progress =
                new RunProgress<>(
                        streams,
                        "migrate",
                        settings.vm().duration(),
                        settings.granularities(),
                        PageSize::text)) {
            return progress.follow(
                    scenario, granularity -> scenario.run(granularity, progress::at));
        }
    }
}
