package org.iommu4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every event of a flight recording is in the settings that are shipped, and is documented. */
class ObservabilityTest {
    private static final Pattern DECLARED =
            Pattern.compile("@Name\\(\"(org\\.iommu4j\\.\\w+)\"\\)");
    private static final Pattern SET = Pattern.compile("event name=\"(org\\.iommu4j\\.\\w+)\"");
    private static final Pattern DOCUMENTED =
            Pattern.compile("(?m)^\\| `(org\\.iommu4j\\.\\w+)` \\|");

    private final BuiltModules modules = BuiltModules.found();

    @Test
    void everyEventIsSetAndDocumented() throws IOException {
        Set<String> declared = new TreeSet<>();
        for (Collection<Path> files : modules.mainSources().values()) {
            for (Path file : files) {
                Path source = modules.root().resolve(file);
                declared.addAll(names(DECLARED, source));
            }
        }
        assertThat(declared).hasSizeGreaterThan(8);
        assertThat(names(SET, modules.root().resolve("cli/src/main/resources/iommu4j.jfc")))
                .isEqualTo(declared);
        assertThat(names(DOCUMENTED, modules.root().resolve("docs/observability.md")))
                .isEqualTo(declared);
    }

    private static Set<String> names(Pattern pattern, Path file) throws IOException {
        Set<String> names = new TreeSet<>();
        pattern.matcher(Files.readString(file))
                .results()
                .map((MatchResult match) -> match.group(1))
                .forEach(names::add);
        return names;
    }
}
