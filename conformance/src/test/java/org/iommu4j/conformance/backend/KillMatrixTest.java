package org.iommu4j.conformance.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The specification's table of wrong backends against what the kit finds. The last column is held
 * with {@code -Diommu4j.long=true} only, for it takes minutes; {@code -Diommu4j.killMatrix=write}
 * writes the table.
 */
class KillMatrixTest {

    private static final String BEGIN = "<!-- kill matrix: begin -->\n";
    private static final String END = "<!-- kill matrix: end -->\n";
    private static final String HOW = "written with -Diommu4j.killMatrix=write";
    private static final Pattern RULE = Pattern.compile("(?m)^\\*\\*([A-Z]\\d)\\. ");
    private static final Path SPECIFICATION = Path.of("..", "docs", "specification.md");

    @Test
    void everyRuleOfTheSpecificationIsThere() throws IOException {
        assertThat(RULE.matcher(Files.readString(SPECIFICATION)).results())
                .extracting(rule -> rule.group(1))
                .containsExactlyElementsOf(Arrays.stream(Rule.values()).map(Rule::name).toList());
    }

    @Test
    void everyMistakeHasItsRow() throws IOException {
        String rows =
                table().lines()
                        .skip(2)
                        .map(row -> row.replaceFirst("^((?:[^|]*\\|){3}).*", "$1"))
                        .reduce("", (all, row) -> all + row + "\n");
        StringBuilder expected = new StringBuilder();
        for (Fault fault : Fault.values()) {
            expected.append(KillMatrix.begin(fault)).append('\n');
        }
        assertThat(rows).as("%s; %s", SPECIFICATION, HOW).isEqualTo(expected.toString());
    }

    @Test
    void everyRowSaysWhatTheKitFinds() throws IOException {
        boolean writes = "write".equals(System.getProperty("iommu4j.killMatrix"));
        if (!writes && !Boolean.getBoolean("iommu4j.long")) {
            Fault one = Fault.H;
            assertThat(table()).contains(KillMatrix.row(one) + "\n");
            return;
        }
        String produced = KillMatrix.markdown();
        if (writes) {
            String text = Files.readString(SPECIFICATION);
            Files.writeString(SPECIFICATION, text.replace(table(), produced));
        }
        assertThat(table()).as("%s; %s", SPECIFICATION, HOW).isEqualTo(produced);
    }

    private static String table() throws IOException {
        String text = Files.readString(SPECIFICATION);
        int begin = text.indexOf(BEGIN);
        int end = text.indexOf(END);
        assertThat(begin).as(BEGIN).isPositive();
        assertThat(end).as(END).isGreaterThan(begin);
        return text.substring(begin + BEGIN.length(), end);
    }
}
