package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the command reads and prints; whether the copy is equal is tested elsewhere. */
class MigrateCommandTest {
    @Test
    void theJsonObjectHasTheKeysPromised() {
        CommandRun run = short4m("--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out().lines()).hasSize(1);
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry("machine", "emulator")
                .containsEntry("backend", "vtd")
                .containsEntry("seed", "1")
                .containsEntry("memory", "4194304")
                .containsEntry("page", "2097152")
                .containsEntry("devices", "2")
                .containsEntry("interrupted", "false")
                .containsEntry("runs.0.granularity", "4096")
                .containsEntry("runs.1.granularity", "2097152")
                .doesNotContainKey("runs.2.granularity");
        assertThat(
                        json.keySet().stream()
                                .filter(key -> key.startsWith("runs.0."))
                                .map(key -> key.substring("runs.0.".length())))
                .containsExactly(
                        "granularity",
                        "rounds",
                        "bytesCopied",
                        "bytesCopiedStopped",
                        "seconds",
                        "stoppedMillis",
                        "copyEqual",
                        "differingPages",
                        "wrongData",
                        "violations",
                        "writes",
                        "faults",
                        "tablePages.before",
                        "tablePages.peak",
                        "tablePages.after");
    }

    @Test
    void theTableShowsTheGranularitiesSideBySide() {
        CommandRun run = short4m();
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out())
                .contains("memory            4m in pages of 2m, written by 2 devices")
                .containsPattern("(?m)^granularity +4k +2m$")
                .containsPattern("(?m)^rounds +[0-9,]+ +[0-9,]+$")
                .containsPattern("(?m)^copied +[0-9,.]+ MiB +[0-9,.]+ MiB$")
                .containsPattern("(?m)^stopped for +[0-9.]+ [num]s +[0-9.]+ [num]s$")
                .containsPattern("(?m)^copy equal +yes +yes$")
                .containsPattern("(?m)^violations +0 +0$")
                .contains("4k                the copy is equal, and no DMA faulted");
        assertThat(run.out().lines().count()).isLessThan(30);
    }

    @Test
    void oneGranularityIsUsedIfOneIsAskedFor() {
        assertThat(short4m("--json", "--granularity", "2M").json())
                .containsEntry("runs.0.granularity", "2097152")
                .doesNotContainKey("runs.1.granularity");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--granularity 8k        | \"8k\" is no page size; 4k, 2m and 1g are",
                "--granularity 4k,1g     | --granularity 1g: the memory is mapped with pages of 2m",
                "--memory 3m             | --memory 3m: a positive multiple of the large page, 2m",
                "--memory 1t             | --memory 1t: up to 64g is legal",
                "--page 4k               | --page 4k: the large page is 2m or 1g",
                "--seconds 0             | --seconds 0.0: more than 0, up to 2592000, are legal",
                "--devices 3 --machine emulator:devices=2 | --devices 3: the machine \"emulator:devices=2\" has 2",
                "--machine vax           | no machine \"vax\"; found: ",
                "--machine emulator:scalable=false | DIRTY_TRACKING",
                "surplus                 | surplus",
            })
    void badUsageIsAnErrorOfOneLine(String arguments, String expected) {
        CommandRun run = CommandRun.of(("migrate " + arguments).split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("iommu4j migrate: ").contains(expected);
        assertThat(run.err().lines()).hasSize(1);
    }

    private static CommandRun short4m(String... more) {
        String[] arguments = new String[5 + more.length];
        System.arraycopy(
                new String[] {"migrate", "--memory", "4m", "--seconds", "0.2"}, 0, arguments, 0, 5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return CommandRun.of(arguments);
    }
}
