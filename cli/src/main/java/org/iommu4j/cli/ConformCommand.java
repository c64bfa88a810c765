package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.cli.swap.SwapScenario;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.conformance.backend.Conformance;
import org.iommu4j.conformance.backend.RuleResult;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Providers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code iommu4j conform}: the rules, run against a backend. */
@Command(
        name = "conform",
        description = {
            "Runs the rules of the specification (docs/specification.md) against a backend, and prints"
                    + " a line a rule: passed; failed, with what was seen; or skipped, with the missing"
                    + " capability. On a machine with a sanitizer it hears too what that finds.",
            ""
        },
        footer = {
            "",
            "Example: iommu4j conform --machine emulator:units=2,coherent=false --rule S1 --rule G2",
            "",
            "Exit codes: 0 done, 1 a rule that must be kept is broken, 2 bad usage."
        })
final class ConformCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(ConformCommand.class);

    private final Streams streams;
    private final SwapScenario.Machines machines;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "vtd",
            description = "The backend; see 'iommu4j list'. Default: ${DEFAULT-VALUE}.")
    private String backend = "vtd";

    @Option(
            names = "--machine",
            paramLabel = "NAME",
            defaultValue = "emulator",
            description =
                    "The machine, with parameters as in emulator:coherent=false; see 'iommu4j list'."
                            + " 'memory' stands for page tables without hardware. Default:"
                            + " ${DEFAULT-VALUE}.")
    private String machine = "emulator";

    @Option(
            names = "--rule",
            paramLabel = "ID",
            description = "A rule to run, such as S1; may be given again. Default: all.")
    private List<String> rules = new ArrayList<>();

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "What everything random comes from. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--json", description = "Print one JSON object instead of lines.")
    private boolean json;

    @Inject
    ConformCommand(Streams streams, SwapScenario.Machines machines) {
        this.streams = streams;
        this.machines = machines;
    }

    @Override
    public Integer call() throws IOException {
        Conformance run;
        BackendUnderTest subject;
        try {
            subject = subject();
            run = Conformance.of(subject);
            run = rules.isEmpty() ? run : run.rules(rules);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
        LOG.debug("running the rules against {}", subject);
        List<RuleResult> results;
        try (ConformProgress progress = new ConformProgress(streams)) {
            results = run.run(progress);
        }
        if (json) {
            ConformReport.json(subject, results, streams.out());
        } else {
            ConformReport.lines(subject, results, streams.out());
        }
        return results.stream().allMatch(RuleResult::isGood) ? 0 : 1;
    }

    private BackendUnderTest subject() {
        IommuProvider provider =
                Providers.choose(IommuProvider.class, "backend", Iommu.providers(), backend);
        BackendUnderTest subject = BackendUnderTest.of(provider).seed(seed);
        if (machine.equals(BackendUnderTest.MEMORY_ONLY)) {
            return subject;
        }
        requireMachine();
        return subject.on(machine, () -> machines.create(machine, BackendUnderTest.MEMORY));
    }

    /** Finds out now what is wrong with what the user wrote. */
    private void requireMachine() {
        try (Machine first = machines.create(machine, BackendUnderTest.MEMORY)) {
            LOG.debug("such a machine has {} devices", first.devices().size());
        } catch (IllegalArgumentException e) {
            boolean known =
                    MachineProvider.providers().stream()
                            .anyMatch(provider -> machine.split(":", 2)[0].equals(provider.name()));
            throw known
                    ? e
                    : new IllegalArgumentException(
                            e.getMessage()
                                    + "; or \""
                                    + BackendUnderTest.MEMORY_ONLY
                                    + "\", page tables without hardware",
                            e);
        }
    }
}
