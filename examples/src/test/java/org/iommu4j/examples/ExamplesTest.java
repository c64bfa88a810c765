package org.iommu4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every example runs, prints what it is known to print, and says how to run it. */
class ExamplesTest {

    private static final Path SOURCES = Path.of("src/main/java/org/iommu4j/examples");
    private static final Path OUTPUTS = Path.of("src/test/resources");

    @ParameterizedTest
    @MethodSource("examples")
    void printsWhatItIsKnownToPrint(String name) throws Exception {
        assertThat(outputOf(name))
                .isEqualTo(Files.readString(OUTPUTS.resolve(number(name) + ".txt")));
    }

    @ParameterizedTest
    @MethodSource("examples")
    void theLastLineOfTheCommentIsTheCommand(String name) throws IOException {
        String source = Files.readString(SOURCES.resolve(name + ".java"));
        assertThat(source)
                .contains(
                        " * <p>Run it: {@code ./examples/run "
                                + number(name)
                                + "}\n */\npublic final class "
                                + name);
    }

    @Test
    void theReadmeShowsTheFirstExample() throws IOException {
        List<String> source = Files.readAllLines(SOURCES.resolve("E01_MapAndTranslate.java"));
        int main = source.indexOf("    public static void main(String[] args) {");
        String body = String.join("\n", source.subList(main + 1, source.size() - 2)).stripIndent();
        assertThat(Files.readString(Path.of("../README.md"))).contains(body);
    }

    /**
     * The names of the programs, in order; at least those that were there when this was written.
     */
    static List<String> examples() {
        try (Stream<Path> files = Files.list(SOURCES)) {
            List<String> names =
                    files.map(file -> file.getFileName().toString().replace(".java", ""))
                            .filter(name -> name.matches("E\\d\\d_\\w+"))
                            .sorted()
                            .toList();
            assertThat(names).hasSizeGreaterThanOrEqualTo(6);
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String number(String name) {
        return name.substring(0, name.indexOf('_'));
    }

    private static String outputOf(String name) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream console = System.out;
        try (PrintStream captured = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(captured);
            Class.forName("org.iommu4j.examples." + name)
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) new String[0]);
        } catch (InvocationTargetException e) {
            throw new AssertionError(name + " failed", e.getCause());
        } finally {
            System.setOut(console);
        }
        return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }
}
