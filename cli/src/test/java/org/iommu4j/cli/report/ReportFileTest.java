package org.iommu4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportFileTest {
    private final ByteArrayOutputStream told = new ByteArrayOutputStream();
    private final PrintStream err = new PrintStream(told, true, StandardCharsets.UTF_8);

    @TempDir Path folder;

    @Test
    void whatIsCompleteTakesThePlaceOfWhatWasThere() throws IOException {
        Path file = folder.resolve("r.html");
        Files.writeString(file, "old");
        try (ReportFile report = ReportFile.begin(Optional.of(file))) {
            assertThat(file).hasContent("old");
            report.write(ReportFileTest::page, err);
        }
        assertThat(file).content().startsWith("<!doctype html>").endsWith("</html>\n");
        assertThat(told.toString(StandardCharsets.UTF_8)).isEqualTo("report: " + file + "\n");
        assertThat(names()).containsExactly("r.html");
    }

    @Test
    void aRunThatFailsLeavesTheFileAsItWas() throws IOException {
        Path file = folder.resolve("r.html");
        Files.writeString(file, "old");
        ReportFile.begin(Optional.of(file)).close();
        assertThat(file).hasContent("old");
        assertThat(names()).containsExactly("r.html");
    }

    @Test
    void aPageThatFailsLeavesTheFileAsItWas() throws IOException {
        Path file = folder.resolve("r.html");
        Files.writeString(file, "old");
        try (ReportFile report = ReportFile.begin(Optional.of(file))) {
            assertThatThrownBy(() ->
                            report.write(
                                    () -> {
                                        throw new IllegalStateException("no page");
                                    },
                                    err))
                    .hasMessage("no page");
        }
        assertThat(file).hasContent("old");
        assertThat(told.size()).isZero();
        assertThat(names()).containsExactly("r.html");
    }

    @Test
    void aLinkIsFollowed() throws IOException {
        Path file = folder.resolve("r.html");
        Files.writeString(file, "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.html"), file);
        try (ReportFile report = ReportFile.begin(Optional.of(link))) {
            report.write(ReportFileTest::page, err);
        }
        assertThat(link).isSymbolicLink();
        assertThat(file).content().startsWith("<!doctype html>");
    }

    @Test
    void nothingIsWrittenWithoutAName() throws IOException {
        try (ReportFile report = ReportFile.begin(Optional.empty())) {
            assertThat(report.isWanted()).isFalse();
            report.write(
                    () -> {
                        throw new AssertionError("nobody wants it");
                    },
                    err);
        }
        assertThat(told.size()).isZero();
    }

    @Test
    void whereNothingCanBeWrittenIsSaidBeforehand() throws IOException {
        assertRefused(
                folder.resolve("none/r.html"), "there is no folder " + folder.resolve("none"));
        assertRefused(folder, "is a directory");
        assertRefused(Path.of("/dev/null"), "is no plain file");
        // Superusers may write files that nobody else may; in this folder they cannot make any.
        assertRefused(Path.of("/proc/version"), "");
        assertThat(names()).isEmpty();
    }

    private static void assertRefused(Path file, String why) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReportFile.begin(Optional.of(file)))
                .withMessageStartingWith("--report " + file)
                .withMessageContaining(why);
    }

    private static ReportPage<?> page() {
        return new ReportPage<>("title", "lead", List.of(1), List.of("one"));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
        }
    }
}
