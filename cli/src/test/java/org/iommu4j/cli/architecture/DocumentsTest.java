package org.iommu4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents point to is there. */
class DocumentsTest {
    private static final int README_LINES = 150;
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(?:#[^)]*)?\\)");

    private final Path root = BuiltModules.found().root();

    @Test
    void everyLinkToAFileLeadsToOne() throws IOException {
        int links = 0;
        List<String> broken = new ArrayList<>();
        for (Path document : documents()) {
            List<String> targets =
                    LINK.matcher(Files.readString(document))
                            .results()
                            .map(link -> link.group(1).strip())
                            .toList();
            links += targets.size();
            targets.stream()
                    .filter(target -> !Files.exists(document.resolveSibling(target)))
                    .forEach(target -> broken.add(root.relativize(document) + " -> " + target));
        }
        assertThat(links).as("links read").isGreaterThan(10);
        assertThat(broken).isEmpty();
    }

    @Test
    void theReadmeIsShort() throws IOException {
        assertThat(Files.readAllLines(root.resolve("README.md")))
                .hasSizeLessThanOrEqualTo(README_LINES);
    }

    private List<Path> documents() throws IOException {
        List<Path> found =
                new ArrayList<>(List.of(root.resolve("README.md"), root.resolve("CHANGELOG.md")));
        try (Stream<Path> files = Files.walk(root.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).forEach(found::add);
        }
        return found;
    }
}
