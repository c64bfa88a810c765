package org.iommu4j.cli;

import jakarta.inject.Inject;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
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
            MigrateCommand migrate,
            ConformCommand conform,
            ListCommand list) {
        this.streams = streams;
        this.root = root;
        commandLine =
                new CommandLine(root)
                        .addSubcommand(replay)
                        .addSubcommand(inspect)
                        .addSubcommand(swap)
                        .addSubcommand(migrate)
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
        Configurator.setRootLevel(level(parsed));
        if (root.recording().isEmpty()) {
            return new CommandLine.RunLast().execute(parsed);
        }
        try (FlightRecording _ = FlightRecording.into(root.recording().get())) {
            return new CommandLine.RunLast().execute(parsed);
        } catch (IOException e) {
            String why = e instanceof FileNotFoundException ? e.getMessage() : e.toString();
            throw new ParameterException(
                    parsed.asCommandLineList().getLast(),
                    "--record " + root.recording().get() + ": " + why,
                    e);
        }
    }

    /** The rules provoke warnings on purpose. */
    private Level level(ParseResult parsed) {
        boolean provokes =
                parsed.hasSubcommand()
                        && parsed.subcommand().commandSpec().userObject() instanceof ConformCommand;
        return switch (root.verbosity()) {
            case 0 -> provokes ? Level.ERROR : Level.WARN;
            case 1 -> Level.INFO;
            case 2 -> Level.DEBUG;
            default -> Level.TRACE;
        };
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
