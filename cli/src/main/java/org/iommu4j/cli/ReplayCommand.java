package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.cli.ReplayPage.Run;
import org.iommu4j.cli.report.ReportFile;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Providers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code iommu4j replay}: a Linux trace on live page tables. */
@Command(
        name = "replay",
        description = {
            "Replays the map and unmap events of a Linux iommu trace on live page tables, one domain"
                    + " for each domain of the trace, holds the tables at every step against what the"
                    + " kernel believed, and reports.",
            "",
            "TRACE is the text that ftrace, 'trace-cmd report' or 'perf script' print, plain, .gz or"
                    + " .xz. To record one: trace-cmd record -e iommu:map -e iommu:unmap"
                    + " -e intel_iommu:cache_tag_flush_range",
            ""
        },
        footer = {
            "",
            "Exit codes: 0 done, 1 the tables disagreed with the trace, 2 bad usage or unreadable"
                    + " input."
        })
final class ReplayCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(ReplayCommand.class);

    private final Streams streams;
    private final IommuOpener opener;
    private final Machines machines;

    @Parameters(
            arity = "0..1",
            paramLabel = "TRACE",
            description =
                    "The trace; '-' is standard input. Without it a bundled real sample is"
                            + " replayed.")
    private Optional<String> trace = Optional.empty();

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "vtd",
            description = "Whose page tables; see 'iommu4j list'. Default: ${DEFAULT-VALUE}.")
    private String backend = "vtd";

    @Option(
            names = "--machine",
            paramLabel = "NAME",
            defaultValue = ReplayGround.MEMORY_ONLY,
            description =
                    "What the tables live in: 'memory', page tables without hardware, or a machine,"
                            + " such as emulator, on which each domain gets a device; see 'iommu4j"
                            + " list'. Default: ${DEFAULT-VALUE}.")
    private String machine = ReplayGround.MEMORY_ONLY;

    @Option(
            names = "--page-sizes",
            paramLabel = "SIZE",
            split = ",",
            defaultValue = "4k,2m,1g",
            converter = PageSize.Converter.class,
            description =
                    "Page sizes that may be used, of 4k, 2m and 1g. Default: ${DEFAULT-VALUE}.")
    private List<PageSize> pageSizes = new ArrayList<>();

    @Option(
            names = "--partial-unmap",
            paramLabel = "MODE",
            defaultValue = "split",
            description =
                    "What unmapping a part of a large page does: split, reject or widen."
                            + " Default: ${DEFAULT-VALUE}.")
    private PartialUnmap partialUnmap = PartialUnmap.SPLIT;

    @Option(
            names = "--coalesce",
            paramLabel = "POLICY",
            defaultValue = "on-request",
            description =
                    "When small leaves are merged into larger ones: never, on-request, on-map, or"
                            + " in-background, with parameters as in in-background:quiet=5ms. A trace"
                            + " requests nothing. Default: ${DEFAULT-VALUE}.")
    private String coalesce = "on-request";

    @Option(
            names = "--flush",
            paramLabel = "POLICY",
            defaultValue = "strict",
            description =
                    "The flush policy, with parameters as in strict:pages=8; see 'iommu4j list'."
                            + " Several, as in strict,deferred,domain, are compared."
                            + " Default: ${DEFAULT-VALUE}.")
    private List<String> flush = new ArrayList<>();

    @Mixin private ReportOption report = new ReportOption();

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Inject
    ReplayCommand(Streams streams, IommuOpener opener, Machines machines) {
        this.streams = streams;
        this.opener = opener;
        this.machines = machines;
    }

    @Override
    public Integer call() throws IOException {
        TraceSource source =
                trace.map(name -> TraceSource.named(name, streams.in()))
                        .orElseGet(TraceSource::bundled);
        List<String> policies = FlushComparison.policies(flush);
        try (ReportFile file = report.begin()) {
            List<Run> runs =
                    policies.size() == 1
                            ? List.of(
                                    replay(source, settings(policies.getFirst()), file.isWanted()))
                            : compare(source, policies, file.isWanted());
            print(source.name(), runs.stream().map(Run::report).toList());
            report.write(file, facts -> ReplayPage.of(source.name(), runs, facts), streams.err());
            return runs.stream().allMatch(Run::isClean) ? 0 : 1;
        }
    }

    private void print(String trace, List<ReplayReport> reports) throws IOException {
        if (reports.size() == 1 && json) {
            ReplayJson.print(trace, reports.getFirst(), streams.out());
        } else if (reports.size() == 1) {
            ReplayTable.print(trace, reports.getFirst(), streams.out());
        } else if (json) {
            ReplayJson.print(trace, reports, streams.out());
        } else {
            FlushComparison.print(trace, reports, streams.out());
        }
    }

    /** Replays the trace with each policy, after once for warming up, so that times compare. */
    private List<Run> compare(TraceSource source, List<String> policies, boolean recorded) {
        if (source instanceof TraceSource.StandardInput) {
            throw new CommandFailure(
                    "standard input can be replayed once, and --flush names "
                            + policies.size()
                            + " policies; put the trace in a file");
        }
        List<ReplaySettings> all = policies.stream().map(this::settings).toList();
        all.forEach(settings -> LOG.debug("to compare: {}", policy(settings).name()));
        Run warmUp = replay(source, all.getFirst(), recorded);
        LOG.debug("warmed up in {} s", warmUp.report().seconds());
        return all.stream().map(settings -> replay(source, settings, recorded)).toList();
    }

    private Run replay(TraceSource source, ReplaySettings settings, boolean recorded) {
        LOG.debug("replaying {} with {}", source.name(), settings);
        HeldBack policy = policy(settings);
        Optional<ReplayRecording> recording =
                recorded ? Optional.of(new ReplayRecording(settings)) : Optional.empty();
        ReplayObserver observer =
                recording.map(ReplayObserver.class::cast).orElse(ReplayObserver.NONE);
        ReplayReport found;
        try (ReplayGround ground = ground(settings)) {
            try (Iommu iommu = openIommu(settings, ground, policy)) {
                found = replay(source, newReplay(iommu, settings, ground, policy, observer));
            }
            ground.findings().forEach(found.counts().violations::add);
        }
        requireEvents(source, found);
        return new Run(found, recording);
    }

    private ReplaySettings settings(String policy) {
        List<Long> sizes = pageSizes.stream().map(PageSize::bytes).distinct().toList();
        CoalesceChoice merging = merging();
        return new ReplaySettings(
                backend, machine, sizes, partialUnmap, merging.policy(), coalesce, policy);
    }

    private CoalesceChoice merging() {
        CoalesceChoice merging;
        try {
            merging = CoalesceChoice.named(coalesce);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
        if (merging.isInBackground() && partialUnmap != PartialUnmap.SPLIT) {
            throw new CommandFailure(
                    "--coalesce in-background: leaves change between two events, and with --partial-unmap "
                            + partialUnmap.name().toLowerCase(Locale.ROOT)
                            + " so would what is unmapped; split is legal");
        }
        return merging;
    }

    private ReplayGround ground(ReplaySettings settings) {
        try {
            return ReplayGround.of(settings.machine(), machines);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    private static HeldBack policy(ReplaySettings settings) {
        try {
            return new HeldBack(
                    Providers.choose(
                            FlushPolicyProvider.class,
                            "flush policy",
                            FlushPolicyProvider.providers(),
                            settings.flush()));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    private Iommu openIommu(ReplaySettings settings, ReplayGround ground, HeldBack policy) {
        try {
            return opener.open(
                    settings.backend(), ground.options().with(FlushPolicyProvider.class, policy));
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    /** Finds out before the trace is read whether the settings are legal. */
    private static Replay newReplay(
            Iommu iommu,
            ReplaySettings settings,
            ReplayGround ground,
            HeldBack policy,
            ReplayObserver observer) {
        try {
            return new Replay(iommu, settings, ground, policy, observer);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        } catch (UnsupportedFeatureException e) {
            throw new CommandFailure(String.valueOf(e.getMessage()), e);
        }
    }

    private ReplayReport replay(TraceSource source, Replay replay) {
        try (InputStream stored = source.open();
                ReplayProgress progress =
                        new ReplayProgress(streams, stored, source.storedBytes())) {
            return replay.run(progress.stream(), progress);
        } catch (IOException e) {
            throw new CommandFailure("cannot read " + where(source, replay) + reason(e), e);
        } catch (IommuException e) {
            throw new CommandFailure("cannot go on, " + where(source, replay) + e.getMessage(), e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof EOFException
                ? "the compressed file is cut off"
                : String.valueOf(e.getMessage());
    }

    private static String where(TraceSource source, Replay replay) {
        String line = replay.line() == 0 ? "" : " after line " + replay.line();
        return source.name() + line + ": ";
    }

    private static void requireEvents(TraceSource source, ReplayReport report) {
        if (report.events() > 0) {
            return;
        }
        String seen =
                report.firstMalformed()
                        .map(first -> "; the first malformed one is " + first)
                        .orElse("");
        throw new CommandFailure(
                source.name()
                        + ": no iommu map or unmap event in "
                        + report.lines()
                        + " lines; expected lines as \"TASK-PID [CPU] TIME: map: IOMMU:"
                        + " iova=0x... - 0x... paddr=0x... size=N\""
                        + seen);
    }
}
