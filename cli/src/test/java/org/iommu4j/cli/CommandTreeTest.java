package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandTreeTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "replay --help",
                "inspect --help",
                "swap --help",
                "migrate --help",
                "list -h",
                "generate-completion --help"
            })
    void helpIsEverywhere(String arguments) {
        CommandRun run = CommandRun.of(arguments.split(" "));
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).startsWith("Usage: iommu4j").contains("--help");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void theVersionIsThatOfTheModule() {
        CommandRun run = CommandRun.of("--version");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).containsPattern("iommu4j [0-9]+\\.[0-9]+").contains("Java ");
    }

    @Test
    void completionNamesCommandsAndOptions() {
        CommandRun run = CommandRun.of("generate-completion");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .contains("iommu4j")
                .contains("replay")
                .contains("--partial-unmap")
                .contains("swap")
                .contains("--working-set");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "frobnicate", "--frobnicate", "list surplus"})
    void badUsageIsAnErrorOfOneLine(String arguments) {
        CommandRun run = CommandRun.of(arguments.isEmpty() ? new String[0] : arguments.split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("iommu4j").contains("--help");
    }

    @Test
    void aStackTraceIsShownToThoseWhoAskOnly() {
        assertThat(CommandRun.of("-v", "replay", "no/such/file").err())
                .contains("there is no file")
                .contains("\tat ");
        assertThat(CommandRun.of("replay", "no/such/file").err()).doesNotContain("\tat ");
    }

    @Test
    void anInternalErrorIsNoBadUsage() {
        CommandRun run =
                CommandRun.of(
                        InputStream.nullInputStream(),
                        (backend, options) -> {
                            throw new IllegalStateException("broken\non purpose");
                        },
                        "replay");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines())
                .containsExactly("iommu4j replay: internal error: broken on purpose");
    }

    @Test
    void theListNamesWhatThereIsWithModuleAndVersion() {
        CommandRun run = CommandRun.of("list");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .containsPattern("(?m)^backend +vtd +[0-9]+ +org\\.iommu4j\\.vtd +[0-9]+\\.[0-9]+")
                .containsPattern(
                        "(?m)^machine +emulator +[0-9]+ +org\\.iommu4j\\.emulator +[0-9]+\\.[0-9]+")
                .containsPattern("(?m)^flush policy +strict .*org\\.iommu4j\\.flush")
                .containsPattern("(?m)^cache flusher +none ")
                .containsPattern("(?m)^table allocator +slab .*org\\.iommu4j\\.walker");
    }

    @Test
    void theListIsThereForPrograms() {
        CommandRun run = CommandRun.of("list", "--json");
        assertThat(run.exitCode()).isZero();
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry("backends.0.name", "vtd")
                .containsEntry("backends.0.module", "org.iommu4j.vtd")
                .containsKey("backends.0.version")
                .containsEntry("machines.0.name", "emulator")
                .containsEntry("machines.0.module", "org.iommu4j.emulator")
                .containsKey("machines.0.version")
                .containsEntry("flushPolicies.0.name", "strict")
                .containsEntry("tableAllocators.0.name", "slab");
    }
}
