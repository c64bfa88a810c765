package org.iommu4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The specification's table of tests against the tests, whose methods bear their rules' numbers.
 */
class SpecificationTest {
    private static final Pattern TEST_METHOD =
            Pattern.compile("\\b(?:void|Stream<Dynamic\\w+>) (\\w+)\\(");
    private static final Pattern NUMBER = Pattern.compile("(?<=^|_)[MUSGCDFLT]\\d(?=_)");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| ([A-Z]\\d) \\| (.+) \\|$");
    private static final Pattern RULE =
            Pattern.compile("(?s)\\n\\*\\*([A-Z]\\d)\\. (.*?)(?=\\n\\n)");

    private final BuiltModules modules = BuiltModules.found();

    @Test
    void everyTestThatTheTableNamesIsThere() throws IOException {
        Map<String, Set<String>> tests = testsByRule();
        table().forEach((rule, classes) ->
                assertThat(tests.getOrDefault(rule, Set.of()))
                        .as("classes with a test named %s_…", rule)
                        .containsAll(classes));
    }

    @Test
    void eachRuleInForceHasATestAndNoLaterOneHas() throws IOException {
        assertThat(rules("In force")).hasSizeGreaterThan(20).isSubsetOf(table().keySet());
        assertThat(rules("Later")).doesNotContainAnyElementsOf(table().keySet());
    }

    private Set<String> rules(String status) throws IOException {
        return RULE.matcher(specification())
                .results()
                .filter(rule -> rule.group(2).replaceAll("\\s+", " ").contains("*" + status))
                .map(rule -> rule.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Map<String, Set<String>> table() throws IOException {
        Map<String, Set<String>> table = new TreeMap<>();
        Matcher rows = ROW.matcher(specification());
        while (rows.find()) {
            Set<String> classes = table.computeIfAbsent(rows.group(1), rule -> new TreeSet<>());
            classes.addAll(Set.of(rows.group(2).replace("`", "").split(", ")));
        }
        return table;
    }

    private Map<String, Set<String>> testsByRule() throws IOException {
        Map<String, Set<String>> tests = new TreeMap<>();
        for (Path file : testFiles()) {
            String name = file.getFileName().toString().replace(".java", "");
            TEST_METHOD
                    .matcher(Files.readString(file))
                    .results()
                    .flatMap(method -> NUMBER.matcher(method.group(1)).results())
                    .map(MatchResult::group)
                    .forEach(rule -> tests.computeIfAbsent(rule, r -> new TreeSet<>()).add(name));
        }
        return tests;
    }

    private Set<Path> testFiles() throws IOException {
        Set<Path> found = new TreeSet<>();
        for (String folder : modules.mainSources().keySet()) {
            Path tests = modules.root().resolve(folder).resolve("src/test/java");
            if (Files.isDirectory(tests)) {
                try (Stream<Path> files = Files.walk(tests)) {
                    files.filter(file -> file.toString().endsWith("Test.java")).forEach(found::add);
                }
            }
        }
        return found;
    }

    private String specification() throws IOException {
        return Files.readString(modules.root().resolve("docs/specification.md"));
    }
}
