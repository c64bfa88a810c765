package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real images with seeded damage, inspected with 64 MiB of heap and small stacks: each ends in a
 * report or in one line that says why not, within seconds. {@code -Diommu4j.long=true} tries two
 * hundred times as many.
 */
class InspectHostileTest {

    private static final long IMAGES = Boolean.getBoolean("iommu4j.long") ? 40_000 : 200;
    private static final long FIRST_SEED = Long.getLong("iommu4j.seed", 1);

    @TempDir private Path folder;

    @Test
    @Timeout(3600)
    void damagedImagesEndInAReportOrInOneLine() throws Exception {
        Images.names().forEach(name -> Images.copy(name, folder, true));
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xmx64m",
                                "-Xss512k",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath(),
                                HostileImages.class.getName(),
                                folder.toString(),
                                Long.toString(FIRST_SEED),
                                Long.toString(IMAGES))
                        .redirectErrorStream(true)
                        .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said.lines()).singleElement().asString().startsWith("done: " + IMAGES);
        assertThat(said).doesNotContain("[0, ").doesNotContain(", 0]");
    }

    private static String classPath() {
        return Stream.concat(
                        Stream.of(Path.of("target", "test-classes").toString()),
                        Stream.of("jdk.module.path", "java.class.path")
                                .map(property -> System.getProperty(property, ""))
                                .filter(path -> !path.isEmpty()))
                .collect(Collectors.joining(File.pathSeparator));
    }
}
