package org.iommu4j.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every test comes out as its rule permits, in a short run, and the command says so; {@code
 * -Diommu4j.long=true} has jcstress run them in all the JVMs that there are, which takes half an
 * hour.
 */
class StressCommandTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final Runs SHORT = new InThisJvm(2, 200);
    private static final Runs NONE =
            (tests, came) -> {
                throw new AssertionError("nothing was to be run");
            };

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void twoProcessors() {
        assumeTrue(
                Runtime.getRuntime().availableProcessors() >= 2,
                "threads that take turns on one processor do not meet");
    }

    @Test
    void everyRuleIsKept(@TempDir Path results) {
        assertThat(run(LONG ? new InForkedJvms(5, 1000, results) : SHORT))
                .as("%s%s", out, err)
                .isZero();
        assertThat(out.toString().lines().filter(line -> line.startsWith("kept ")))
                .hasSameSizeAs(StressTests.names());
    }

    @Test
    void whatNoRulePermitsIsExitCode1() {
        assertThat(
                        run(
                                (tests, came) ->
                                        SHORT.of(
                                                tests,
                                                (name, result) -> {
                                                    result.addState("4096, 4096, 509", 1);
                                                    came.accept(name, result);
                                                }),
                                "--tests",
                                "S5_TwoPunches"))
                .isEqualTo(1);
        assertThat(out.toString())
                .contains(
                        "BROKEN SplitRaces.S5_TwoPunches",
                        "4096, 4096, 509",
                        "1 of 1 tests broken");
    }

    @Test
    void aTestWithoutTrialsIsExitCode1() {
        assertThat(run((tests, came) -> {}, "--tests", "S5_TwoPunches")).isEqualTo(1);
    }

    @Test
    void aListIsOfWhatWouldBeRun() {
        assertThat(run(NONE, "--list", "--tests", "S4_")).isZero();
        assertThat(out.toString().lines())
                .containsExactly(
                        "SplitRaces.S4_PunchAgainstWrite", "SplitRaces.S4_SplitAgainstWrite");
    }

    @Test
    void helpNamesTheOptions() {
        assertThat(run(NONE, "--help")).isZero();
        assertThat(out.toString()).contains("--short", "--list", "--tests");
    }

    @Test
    void badUsageIsOneLineAndExitCode2() {
        assertBad("Unknown option", "--fast");
        assertBad("Unmatched argument", "fast");
        assertBad("no test has that in its name", "--tests", "coffee");
        assertBad("Unclosed group", "--tests", "(");
    }

    private void assertBad(String complaint, String... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(NONE, arguments)).isEqualTo(2);
        assertThat(err.toString().strip())
                .startsWith("stress/run: ")
                .contains(complaint)
                .hasLineCount(1);
        assertThat(out.toString()).isEmpty();
    }

    private int run(Runs runs, String... arguments) {
        return StressCommand.line(
                        new StressCommand(runs, runs),
                        new PrintWriter(out, true),
                        new PrintWriter(err, true))
                .execute(arguments);
    }
}
