package com.example.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What docs/writing-a-backend.md shows stands in the files that it names. */
class GuideTest {

    private static final Path ROOT = Path.of("../..");
    private static final Pattern BLOCK =
            Pattern.compile("(?:<!-- (\\S+) -->\n\n)?```(java|xml)\n(.*?)\n```", Pattern.DOTALL);

    @Test
    void everyBlockOfCodeStandsInItsFile() throws IOException {
        List<MatchResult> blocks =
                BLOCK.matcher(Files.readString(ROOT.resolve("docs/writing-a-backend.md")))
                        .results()
                        .toList();
        assertThat(blocks).hasSizeGreaterThan(10);
        for (MatchResult block : blocks) {
            assertThat(block.group(1)).as("the file of%n%s", block.group(3)).isNotNull();
            assertThat(stripped(Files.readString(ROOT.resolve(block.group(1)))))
                    .as(block.group(1))
                    .contains(stripped(block.group(3)));
        }
    }

    /** Without what the lines are indented by. */
    private static String stripped(String text) {
        return text.lines().map(String::strip).collect(Collectors.joining("\n"));
    }
}
