package org.iommu4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The shape of each module against checked-in text: what it exports, opens, provides, uses and
 * requires. A change of it is a change of a file in {@code cli/src/test/resources/modules}, which a
 * review sees.
 */
class ModuleDescriptorTest {
    private static final String GOLDEN = "cli/src/test/resources/modules";

    private final BuiltModules modules = BuiltModules.found();

    @TestFactory
    Stream<DynamicTest> eachModuleHasItsGoldenShape() {
        return modules.descriptors().stream()
                .map(descriptor ->
                        DynamicTest.dynamicTest(descriptor.name(), () -> compare(descriptor)));
    }

    @Test
    void eachGoldenShapeHasItsModule() throws IOException {
        try (Stream<Path> files = Files.list(modules.root().resolve(GOLDEN))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .isNotEmpty()
                    .containsExactlyInAnyOrderElementsOf(
                            modules.descriptors().stream()
                                    .map(descriptor -> descriptor.name() + ".txt")
                                    .toList());
        }
    }

    @Test
    void whatIsProvidedIsFoundOnTheClassPathToo() {
        int provided = 0;
        for (ModuleDescriptor descriptor : modules.descriptors()) {
            for (ModuleDescriptor.Provides service : descriptor.provides()) {
                provided++;
                assertThat(
                                modules.resource(
                                        descriptor.name(),
                                        "META-INF/services/" + service.service()))
                        .as("META-INF/services/%s of %s", service.service(), descriptor.name())
                        .containsExactlyInAnyOrderElementsOf(service.providers());
            }
        }
        assertThat(provided).as("services that modules provide").isPositive();
    }

    private void compare(ModuleDescriptor descriptor) throws IOException {
        Path golden = modules.root().resolve(GOLDEN).resolve(descriptor.name() + ".txt");
        Path built =
                modules.root().resolve("cli/target/modules-built").resolve(golden.getFileName());
        List<String> shape = shape(descriptor);
        Files.createDirectories(built.getParent());
        Files.write(built, shape);
        List<String> expected = Files.exists(golden) ? Files.readAllLines(golden) : List.of();
        assertThat(difference(expected, shape))
                .as(
                        "the shape of %s changed; if that is meant: cp %s %s",
                        descriptor.name(),
                        modules.root().relativize(built),
                        modules.root().relativize(golden))
                .isEmpty();
        assertThat(expected)
                .as("the lines of %s and their order", golden.getFileName())
                .isEqualTo(shape);
    }

    private static List<String> shape(ModuleDescriptor descriptor) {
        Set<String> lines = new TreeSet<>();
        descriptor
                .exports()
                .forEach(export ->
                        lines.add("exports " + export.source() + targets(export.targets())));
        descriptor
                .opens()
                .forEach(open -> lines.add("opens " + open.source() + targets(open.targets())));
        descriptor
                .provides()
                .forEach(provided ->
                        lines.add(
                                "provides "
                                        + provided.service()
                                        + " with "
                                        + String.join(", ", provided.providers())));
        descriptor.uses().forEach(used -> lines.add("uses " + used));
        descriptor.requires().stream()
                .filter(required -> !required.modifiers().contains(Requires.Modifier.MANDATED))
                .forEach(
                        required -> lines.add("requires " + modifiers(required) + required.name()));
        return Stream.concat(
                        Stream.of(
                                (descriptor.isOpen() ? "open " : "")
                                        + "module "
                                        + descriptor.name()),
                        lines.stream())
                .toList();
    }

    private static String modifiers(Requires required) {
        return required.modifiers().stream()
                .sorted()
                .map(modifier -> modifier.name().toLowerCase(Locale.ROOT) + " ")
                .collect(Collectors.joining());
    }

    private static String targets(Set<String> targets) {
        return targets.isEmpty() ? "" : " to " + String.join(", ", new TreeSet<>(targets));
    }

    /** The lines that only one side has, as a diff shows them. */
    private static List<String> difference(List<String> expected, List<String> actual) {
        return Stream.concat(
                        expected.stream()
                                .filter(line -> !actual.contains(line))
                                .map(line -> "- " + line),
                        actual.stream()
                                .filter(line -> !expected.contains(line))
                                .map(line -> "+ " + line))
                .toList();
    }
}
