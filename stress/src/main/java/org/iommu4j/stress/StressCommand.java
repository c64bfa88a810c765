package org.iommu4j.stress;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What {@code ./stress/run} does. */
@Command(
        name = "stress/run",
        description = {
            "Has two threads do one thing each to one domain, again and again, under jcstress, and counts what comes"
                    + " out; what a rule does not permit is an error.",
            "Exit codes: 0 done, 1 something that no rule permits came out, 2 bad usage or cannot run here."
        })
public final class StressCommand implements Callable<Integer> {

    /** The system property that says where the report goes. */
    static final String RESULTS = "iommu4j.stress.results";

    private static final int ITERATIONS = 5;
    private static final int BROKEN = 1;
    private static final int BAD_USAGE = 2;

    private final Runs longest;
    private final Runs shortest;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--short",
            description = "All in one JVM, half a second each: less than a minute.")
    private boolean brief;

    @Option(names = "--list", description = "Print the names of the tests, and run none.")
    private boolean list;

    @Option(
            names = "--tests",
            paramLabel = "REGEX",
            description = "Only tests in whose name this is found, such as a rule's number.")
    private String tests = "";

    @SuppressWarnings("UnusedVariable") // picocli looks at it
    @Option(names = "--help", usageHelp = true, description = "Print this and exit.")
    private boolean help;

    StressCommand(Runs longest, Runs shortest) {
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
                                new StressCommand(
                                        new InForkedJvms(ITERATIONS, 1000, results()),
                                        new InThisJvm(3, 200)),
                                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                                new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                        .execute(arguments));
    }

    private static Path results() {
        return Path.of(System.getProperty(RESULTS, "target/results")).toAbsolutePath();
    }

    static CommandLine line(StressCommand command, PrintWriter out, PrintWriter err) {
        return new CommandLine(command)
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((wrong, arguments) -> {
                    err.println("stress/run: " + wrong.getMessage());
                    return BAD_USAGE;
                })
                .setExecutionExceptionHandler((thrown, line, parsed) -> {
                    err.println("stress/run: " + thrown.getMessage());
                    return BAD_USAGE;
                });
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<String> chosen = chosen();
        if (list) {
            chosen.forEach(out::println);
            return 0;
        }
        SortedMap<String, Verdict> verdicts = new TreeMap<>();
        chosen.forEach(name -> verdicts.put(name, new Verdict(StressTests.info(name))));
        (brief ? shortest : longest)
                .of(
                        chosen,
                        (name, result) -> Objects.requireNonNull(verdicts.get(name)).add(result));
        verdicts.values().forEach(verdict -> out.println(verdict.line()));
        long broken = verdicts.values().stream().filter(verdict -> !verdict.isKept()).count();
        out.println(
                broken == 0
                        ? chosen.size() + " tests, nothing but what the rules permit"
                        : broken + " of " + chosen.size() + " tests broken");
        return broken == 0 ? 0 : BROKEN;
    }

    private List<String> chosen() {
        Pattern pattern;
        try {
            pattern = Pattern.compile(tests);
        } catch (PatternSyntaxException e) {
            throw new ParameterException(
                    spec.commandLine(), "--tests " + tests + ": " + e.getDescription());
        }
        List<String> found =
                StressTests.names().stream().filter(name -> pattern.matcher(name).find()).toList();
        if (found.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--tests " + tests + ": no test has that in its name");
        }
        return found;
    }
}
