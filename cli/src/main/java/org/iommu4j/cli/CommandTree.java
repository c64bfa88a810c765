package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.iommu4j.machine.MachineFailureException;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The command and its subcommands, and what they have in common: how errors are shown and which
 * exit code they give.
 */
final class CommandTree {
    private static final int UNUSABLE = 2;
    private static final String LOG_LEVEL = "iommu4j.log.level";

    private final Streams streams;
    private final RootCommand root;
    private final CommandLine commandLine;

    @Inject
    CommandTree(
            Streams streams,
            RootCommand root,
            ReplayCommand replay,
            InspectCommand inspect,
            SwapCommand swap,
            ConformCommand conform,
            ListCommand list) {
        this.streams = streams;
        this.root = root;
        commandLine =
                new CommandLine(root)
                        .addSubcommand(replay)
                        .addSubcommand(inspect)
                        .addSubcommand(swap)
                        .addSubcommand(conform)
                        .addSubcommand(list)
                        .addSubcommand(new GenerateCompletion())
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setOut(new PrintWriter(streams.out(), true, StandardCharsets.UTF_8))
                        .setErr(new PrintWriter(streams.err(), true, StandardCharsets.UTF_8))
                        .setExecutionStrategy(this::run)
                        .setParameterExceptionHandler(this::explainUsage)
                        .setExecutionExceptionHandler(this::explainFailure);
    }

    /** Runs a command; returns the exit code. */
    int execute(String... arguments) {
        return commandLine.execute(arguments);
    }

    private int run(ParseResult parsed) {
        if (root.isVerbose()) {
            // Read by log4j2.properties when the first logger is made, which is after this.
            System.setProperty(LOG_LEVEL, "DEBUG");
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    private int explainUsage(ParameterException e, String[] arguments) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        print(command + ": " + oneLine(e) + "; try '" + command + " --help'");
        if (root.isVerbose()) {
            e.printStackTrace(streams.err());
        }
        return UNUSABLE;
    }

    private int explainFailure(Exception e, CommandLine failed, ParseResult parsed) {
        String command = failed.getCommandSpec().qualifiedName();
        boolean expected = e instanceof CommandFailure || e instanceof MachineFailureException;
        print(command + ": " + (expected ? oneLine(e) : "internal error: " + oneLine(e)));
        if (root.isVerbose()) {
            e.printStackTrace(streams.err());
        }
        return expected ? UNUSABLE : ExitCode.SOFTWARE;
    }

    private void print(String line) {
        streams.err().println(line);
    }

    private static String oneLine(Exception e) {
        String message = e.getMessage();
        return message == null ? e.toString() : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
