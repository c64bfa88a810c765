package org.iommu4j.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The specification names the tests of this module, and each test a rule that is there. */
class StressTestsTest {

    private static final Pattern ROW =
            Pattern.compile("(?m)^\\| `(\\w+\\.[A-Z]\\d_\\w+)` \\| (.*) \\|$");

    @Test
    void itsTableIsOfTheseTests() throws IOException {
        assertThat(
                        ROW.matcher(specification())
                                .results()
                                .map(row -> row.group(1) + ": " + row.group(2)))
                .containsExactlyElementsOf(
                        StressTests.names().stream()
                                .map(name -> name + ": " + StressTests.info(name).description())
                                .toList());
    }

    @Test
    void eachIsNamedByARule() throws IOException {
        List<String> rules =
                Pattern.compile("(?m)^\\*\\*([A-Z]\\d)\\. ")
                        .matcher(specification())
                        .results()
                        .map((MatchResult rule) -> rule.group(1))
                        .toList();
        assertThat(StressTests.names())
                .isNotEmpty()
                .allSatisfy(name ->
                        assertThat(name.replaceAll(".*\\.([A-Z]\\d)_.*", "$1")).isIn(rules));
    }

    /** The tests run in the module's folder. */
    private static String specification() throws IOException {
        return Files.readString(Path.of("../docs/specification.md"));
    }
}
