package org.iommu4j.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.iommu4j.cli.report.ReportFile;
import org.iommu4j.cli.report.ReportPage;
import org.iommu4j.cli.report.ReportPage.Fact;
import org.iommu4j.cli.vm.MemorySize;
import org.iommu4j.cli.vm.VmSettings;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option of every command that writes a report, and what a report says of the command. */
final class ReportOption {
    @Option(
            names = "--report",
            paramLabel = "FILE.html",
            description =
                    "Also write a page with charts of what happened over time: one file that needs no"
                            + " network.")
    private Optional<Path> file = Optional.empty();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    private final ZonedDateTime began = ZonedDateTime.now(ZoneId.systemDefault());

    /**
     * Begins the file, if one is wanted.
     *
     * @throws CommandFailure if it cannot be written
     */
    ReportFile begin() {
        try {
            return ReportFile.begin(file);
        } catch (IllegalArgumentException e) {
            throw CommandFailure.of(e);
        }
    }

    /**
     * Writes the report, if it is wanted, and says where it is.
     *
     * @param to the file
     * @param page makes the page of what ran, where and when
     * @param told where it is said
     * @throws CommandFailure if it cannot be written
     */
    void write(ReportFile to, Function<List<Fact>, ReportPage<?>> page, PrintStream told) {
        try {
            to.write(() -> page.apply(facts()), told);
        } catch (IOException e) {
            throw new CommandFailure("cannot write the report: " + e.getMessage(), e);
        }
    }

    private List<Fact> facts() {
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("command", commandLine()));
        facts.add(new Fact("version", String.join(", ", new Version().getVersion())));
        facts.add(
                new Fact(
                        "JVM",
                        System.getProperty("java.vm.name")
                                + " "
                                + System.getProperty("java.vm.version")));
        facts.add(
                new Fact(
                        "host",
                        System.getProperty("os.name")
                                + " "
                                + System.getProperty("os.version")
                                + ", "
                                + System.getProperty("os.arch")
                                + ", "
                                + Runtime.getRuntime().availableProcessors()
                                + " processors"));
        facts.add(
                new Fact(
                        "begun",
                        began.truncatedTo(ChronoUnit.SECONDS)
                                .format(DateTimeFormatter.ISO_OFFSET_DATE_TIME)));
        return facts;
    }

    /** What VM there was, and what machine it was on. */
    static List<Fact> facts(VmSettings vm) {
        return List.of(
                new Fact("machine", vm.machine() + ", driven by " + vm.backend()),
                new Fact("sanitizer", vm.sanitizer() ? "on, where the machine has one" : "off"),
                new Fact(
                        "memory",
                        MemorySize.text(vm.memory()) + " in pages of " + PageSize.text(vm.page())),
                new Fact("devices", Integer.toString(vm.devices())),
                new Fact("duration", vm.duration().toMillis() / 1e3 + " s at most, of each run"),
                new Fact("seed", Long.toString(vm.seed())));
    }

    private String commandLine() {
        CommandSpec root = command.root();
        Stream<String> arguments =
                root.commandLine().getParseResult().originalArgs().stream()
                        .map(ReportOption::quoted);
        return Stream.concat(Stream.of(root.name()), arguments).collect(Collectors.joining(" "));
    }

    /** As a shell reads it. */
    private static String quoted(String argument) {
        return argument.matches("[\\w@%+=:,./-]+")
                ? argument
                : "'" + argument.replace("'", "'\\''") + "'";
    }
}
