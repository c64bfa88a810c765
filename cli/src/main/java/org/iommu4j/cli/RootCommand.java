package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code iommu4j} itself; its options belong to every command. */
@Command(
        name = "iommu4j",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {"Page tables of IOMMUs, replayed and tested.", ""})
final class RootCommand implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = {"-v", "--verbose"},
            scope = ScopeType.INHERIT,
            description = {
                "Log to stderr what is done, and show where an error comes from: -v rare events, as of"
                        + " a unit; -vv attachments, decisions and faults; -vvv each request to a unit."
            })
    private boolean[] verbose = {};

    @Option(
            names = "--record",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description =
                    "Write a flight recording of the run: splits, invalidations, faults and more, to"
                            + " be read with 'jfr print FILE'. See docs/observability.md.")
    private Optional<Path> recording = Optional.empty();

    @Inject
    RootCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    /** True if the user wants to see where an error comes from. */
    boolean isVerbose() {
        return verbose.length > 0;
    }

    /** How many times {@code -v} was given. */
    int verbosity() {
        return verbose.length;
    }

    /** Where a recording of the run goes, if there is to be one. */
    Optional<Path> recording() {
        return recording;
    }
}
