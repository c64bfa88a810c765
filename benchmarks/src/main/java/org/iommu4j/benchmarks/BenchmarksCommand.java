package org.iommu4j.benchmarks;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code ./benchmarks/run} does. */
@Command(
        name = "benchmarks/run",
        description = {
            "Measures what the operations of the engine take, beside floors measured in the same run and the figures"
                    + " of Linux's I/O page table, and prints one table.",
            "Exit codes: 0 done, 2 bad usage."
        })
public final class BenchmarksCommand implements Callable<Integer> {

    private static final int BAD_USAGE = 2;

    private final Effort longest;
    private final Effort shortest;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--short",
            description =
                    "One JVM a row, fewer samples, and no curves: at most 3 minutes. With --list, which rows.")
    private boolean brief;

    @Option(names = "--list", description = "Print what would be measured, and measure nothing.")
    private boolean list;

    @Option(names = "--json", description = "Print one JSON object and nothing else.")
    private boolean json;

    @Option(
            names = "--rows",
            paramLabel = "REGEX",
            description =
                    "Only operations in whose name this is found; the floor is always measured.")
    private String rows = "";

    @SuppressWarnings("UnusedVariable") // picocli looks at it
    @Option(names = "--help", usageHelp = true, description = "Print this and exit.")
    private boolean help;

    BenchmarksCommand(Effort longest, Effort shortest) {
        this.longest = longest;
        this.shortest = shortest;
    }

    /**
     * Runs it.
     *
     * @param arguments as {@code --help} says
     */
    public static void main(String[] arguments) {
        System.exit(
                line(
                                new BenchmarksCommand(Effort.FULL, Effort.SHORT),
                                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                                new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                        .execute(arguments));
    }

    static CommandLine line(BenchmarksCommand command, PrintWriter out, PrintWriter err) {
        return new CommandLine(command)
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((wrong, arguments) -> {
                    err.println("benchmarks/run: " + wrong.getMessage());
                    return BAD_USAGE;
                });
    }

    @Override
    public Integer call() {
        List<Row> chosen = chosen();
        if (list) {
            PrintWriter out = spec.commandLine().getOut();
            chosen.forEach(row -> out.println(row.operation()));
            return 0;
        }
        measure(chosen);
        return 0;
    }

    private void measure(List<Row> chosen) {
        Effort effort = brief ? shortest : longest;
        Measurement measurement = new Measurement(effort);
        Progress progress = new Progress(chosen.size() * effort.rounds());
        List<Figure> figures = new ArrayList<>();
        for (int round = 0; round < effort.rounds(); round++) {
            for (int i = 0; i < chosen.size(); i++) {
                progress.begin(chosen.get(i).operation());
                Figure figure = measurement.of(chosen.get(i));
                if (round == 0) {
                    figures.add(figure);
                } else {
                    figures.set(i, figures.get(i).least(figure));
                }
            }
        }
        progress.end();
        Report report = new Report(Host.here(), CFloor.measured(), figures);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            new ReportJson(report).print(out);
        } else {
            new ReportTable(report, out).print();
        }
    }

    private List<Row> chosen() {
        Pattern pattern;
        try {
            pattern = Pattern.compile(rows);
        } catch (PatternSyntaxException e) {
            throw new ParameterException(
                    spec.commandLine(), "--rows " + rows + ": " + e.getDescription());
        }
        List<Row> all = Rows.all().stream().filter(row -> !brief || !row.lengthy()).toList();
        List<Row> found =
                all.stream().filter(row -> pattern.matcher(row.operation()).find()).toList();
        if (found.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--rows " + rows + ": no operation has that in its name");
        }
        return all.stream()
                .filter(row -> found.contains(row) || row.operation().equals(Rows.JAVA_FLOOR))
                .toList();
    }
}
