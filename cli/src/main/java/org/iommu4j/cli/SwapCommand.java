package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.cli.report.ReportFile;
import org.iommu4j.cli.swap.SplitStrategy;
import org.iommu4j.cli.swap.StrategyReport;
import org.iommu4j.cli.swap.SwapIn;
import org.iommu4j.cli.swap.SwapScenario;
import org.iommu4j.cli.swap.SwapSettings;
import org.iommu4j.cli.vm.Faults;
import org.iommu4j.cli.vm.Machines;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code iommu4j swap}: the founding scenario. */
@Command(
        name = "swap",
        description = {
            "Swaps 4 KiB pages of a VM out and in while the VM's devices do DMA, and counts the DMAs"
                    + " that fault although their page was never taken.",
            "",
            "The VM's memory is mapped with large pages. Devices read and write random pages of it as"
                    + " fast as they can and check every word. Meanwhile the host takes pages away,"
                    + " poisons them, and brings them back at other addresses. 'hitless' unmaps just the"
                    + " 4 KiB; 'unmap-map' unmaps the whole large page and maps the rest of it again, as"
                    + " software must that cannot split. Both run, one after the other on the same seed,"
                    + " unless one is asked for. Where units and devices can, a device asks for a page"
                    + " that is out and waits until the host has brought it back.",
            ""
        },
        footer = {
            "",
            "Exit codes: 0 done, 1 wrong data, a finding of the sanitizer, or a spurious fault with"
                    + " 'hitless', 2 bad usage."
        })
final class SwapCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(SwapCommand.class);
    private static final long USUAL_WORKING_SET = 256L << 20;

    private final Streams streams;
    private final IommuOpener opener;
    private final Machines machines;

    @Mixin private VmOptions vm = new VmOptions();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            defaultValue = "1g",
            converter = MemorySizeConverter.class,
            description =
                    "The VM's memory. Only what devices use, and tables, cost anything. Default:"
                            + " ${DEFAULT-VALUE}.")
    private long memory;

    @Option(
            names = "--working-set",
            paramLabel = "SIZE",
            converter = MemorySizeConverter.class,
            description =
                    "How much of the memory devices use, in pieces of 2m spread over all of it."
                            + " Default: all, up to 256m.")
    private Optional<Long> workingSet = Optional.empty();

    @Option(
            names = "--split",
            paramLabel = "STRATEGY",
            converter = StrategyConverter.class,
            description =
                    "How pages are taken: hitless or unmap-map. Default: one after the other.")
    private Optional<SplitStrategy> split = Optional.empty();

    @Option(
            names = "--faults",
            paramLabel = "KIND",
            converter = FaultsConverter.class,
            description =
                    "What becomes of a DMA to a page that is out: recoverable, the device asks for"
                            + " the page and waits, or fatal, it is blocked. Default: recoverable where"
                            + " the machine can.")
    private Optional<Faults> faults = Optional.empty();

    @Option(
            names = "--swap-in",
            paramLabel = "WHEN",
            converter = SwapInConverter.class,
            description =
                    "When pages come back: on-fault, when a device asks, or eager, after a while."
                            + " Default: on-fault where faults are recoverable.")
    private Optional<SwapIn> swapIn = Optional.empty();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "5",
            description = "How long each strategy runs. Default: ${DEFAULT-VALUE}.")
    private BigDecimal seconds = BigDecimal.ZERO;

    @Option(
            names = "--flush",
            paramLabel = "POLICY",
            defaultValue = "strict",
            description =
                    "The flush policy, with parameters as in strict:pages=8; see 'iommu4j list'."
                            + " Default: ${DEFAULT-VALUE}.")
    private String flush = "strict";

    @Mixin private ReportOption report = new ReportOption();

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Inject
    SwapCommand(Streams streams, IommuOpener opener, Machines machines) {
        this.streams = streams;
        this.opener = opener;
        this.machines = machines;
    }

    @Override
    public Integer call() throws IOException {
        SwapSettings settings = settings();
        LOG.debug("swapping with {}", settings);
        List<SplitStrategy> strategies =
                split.map(List::of).orElse(List.of(SplitStrategy.values()));
        SwapScenario scenario = new SwapScenario(settings, machines, opener::open);
        try (ReportFile file = report.begin();
                Interruption interruption = Interruption.calls(scenario::interrupt)) {
            List<StrategyReport> reports = run(scenario, settings, strategies, file.isWanted());
            if (json) {
                SwapJson.print(settings, reports, interruption.hasHappened(), streams.out());
            } else {
                SwapTable.print(settings, reports, interruption.hasHappened(), streams.out());
            }
            boolean interrupted = interruption.hasHappened();
            report.write(
                    file,
                    facts -> SwapPage.of(settings, reports, interrupted, facts),
                    streams.err());
            return reports.stream().allMatch(StrategyReport::isClean) ? 0 : 1;
        }
    }

    private SwapSettings settings() {
        try {
            return new SwapSettings(
                    vm.settings(memory, seconds),
                    workingSet.orElse(Math.min(memory, USUAL_WORKING_SET)),
                    faults,
                    swapIn,
                    flush);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    private List<StrategyReport> run(
            SwapScenario scenario,
            SwapSettings settings,
            List<SplitStrategy> strategies,
            boolean sampled) {
        try (RunProgress<SplitStrategy> progress =
                new RunProgress<>(
                        streams,
                        "swap",
                        settings.vm().duration(),
                        strategies,
                        SplitStrategy::toString)) {
            return progress.follow(
                    scenario, strategy -> scenario.run(strategy, sampled, progress::at));
        }
    }

    /** Reads the name of a strategy. */
    static final class StrategyConverter extends NameConverter<SplitStrategy> {
        StrategyConverter() {
            super("strategy", SplitStrategy.values());
        }
    }

    /** Reads what becomes of a DMA to a page that is out. */
    static final class FaultsConverter extends NameConverter<Faults> {
        FaultsConverter() {
            super("kind of fault", Faults.values());
        }
    }

    /** Reads when pages come back. */
    static final class SwapInConverter extends NameConverter<SwapIn> {
        SwapInConverter() {
            super("time for swapping in", SwapIn.values());
        }
    }
}
