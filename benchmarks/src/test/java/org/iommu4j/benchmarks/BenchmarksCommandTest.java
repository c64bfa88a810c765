package org.iommu4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The command runs every row, if only for a moment, and says what it was asked to say. */
class BenchmarksCommandTest {

    private static final Effort MOMENT = new Effort(1, 0, 1, Duration.ofMillis(1), false);

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void everyRowCanBeMeasured() throws IOException {
        assertThat(run("--json")).isZero();
        List<String> operations = new ArrayList<>();
        List<Double> nanos = new ArrayList<>();
        try (JsonParser json = new JsonFactory().createParser(out.toString())) {
            for (JsonToken token = json.nextToken(); token != null; token = json.nextToken()) {
                if (token == JsonToken.VALUE_STRING && "operation".equals(json.currentName())) {
                    operations.add(json.getText());
                } else if (token.isNumeric() && Objects.equals(json.currentName(), "nanos")) {
                    nanos.add(json.getDoubleValue());
                }
            }
        }
        assertThat(operations)
                .containsExactlyElementsOf(Rows.all().stream().map(Row::operation).toList());
        assertThat(nanos)
                .hasSameSizeAs(operations)
                .allSatisfy(each -> assertThat(each).isPositive());
    }

    @Test
    void aTableHoldsWhatWasAskedForAndTheFloor() {
        assertThat(run("--short", "--rows", "^map 4 KiB$")).isZero();
        assertThat(out.toString().lines().filter(line -> line.startsWith("map "))).hasSize(1);
        assertThat(out.toString())
                .contains(Rows.JAVA_FLOOR, "x peer", "0.90 ")
                .doesNotContain("unmap");
    }

    @Test
    void aListIsOfWhatWouldBeMeasured() {
        assertThat(run("--short", "--list")).isZero();
        assertThat(out.toString().lines())
                .containsExactlyElementsOf(
                        Rows.all().stream()
                                .filter(row -> !row.lengthy())
                                .map(Row::operation)
                                .toList());
    }

    @Test
    void helpNamesTheOptions() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("--short", "--json", "--rows");
    }

    @Test
    void badUsageIsOneLineAndExitCode2() {
        assertBad("Unknown option", "--fast");
        assertBad("Unmatched argument", "fast");
        assertBad("no operation has that in its name", "--rows", "coffee");
        assertBad("Unclosed group", "--rows", "(");
    }

    private void assertBad(String complaint, String... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(err.toString().strip())
                .startsWith("benchmarks/run: ")
                .contains(complaint)
                .hasLineCount(1);
        assertThat(out.toString()).isEmpty();
    }

    private int run(String... arguments) {
        BenchmarksCommand command = new BenchmarksCommand(MOMENT, MOMENT);
        return BenchmarksCommand.line(
                        command, new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }
}
