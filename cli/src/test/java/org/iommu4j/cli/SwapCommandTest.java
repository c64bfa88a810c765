package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.iommu4j.cli.vm.PlainMachine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the command reads and prints; what the scenario finds is tested elsewhere. */
class SwapCommandTest {
    @Test
    void theJsonObjectHasTheKeysPromised() {
        CommandRun run = plain("--json");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines()).hasSize(1);
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry("seed", "1")
                .containsEntry("memory", "8388608")
                .containsEntry("page", "2097152")
                .containsEntry("devices", "2")
                .containsEntry("interrupted", "false")
                .containsEntry("strategies.0.name", "hitless")
                .containsEntry("strategies.1.name", "unmap-map");
        for (String strategy : Set.of("strategies.0.", "strategies.1.")) {
            assertThat(
                            json.keySet().stream()
                                    .filter(key -> key.startsWith(strategy))
                                    .map(key -> key.substring(strategy.length()))
                                    .toList())
                    .containsExactly(
                            "name",
                            "dmas",
                            "expectedFaults",
                            "spuriousFaults",
                            "wrongData",
                            "violations",
                            "splits",
                            "tablePages",
                            "invalidations",
                            "swaps",
                            "faults",
                            "swapIn",
                            "pageRequests",
                            "tables.before.tablePages",
                            "tables.before.leaves.4k",
                            "tables.before.leaves.2m",
                            "tables.before.leaves.1g",
                            "tables.worst.tablePages",
                            "tables.worst.leaves.4k",
                            "tables.worst.leaves.2m",
                            "tables.worst.leaves.1g",
                            "tables.after.tablePages",
                            "tables.after.leaves.4k",
                            "tables.after.leaves.2m",
                            "tables.after.leaves.1g",
                            "latencyNanos.p50",
                            "latencyNanos.p99",
                            "latencyNanos.p999",
                            "latencyNanos.max",
                            "faultServiceNanos.p50",
                            "faultServiceNanos.p99",
                            "faultServiceNanos.p999",
                            "faultServiceNanos.max");
        }
    }

    @Test
    void theTableShowsTheStrategiesSideBySide() {
        CommandRun run = plain();
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out())
                .contains("machine           emulator, driven by vtd, flush strict, no sanitizer")
                .contains("memory            8m in pages of 2m, all of it used by 2 devices")
                .containsPattern("(?m)^ +hitless +unmap-map$")
                .containsPattern("(?m)^DMAs +[0-9,]+ +[0-9,]+$")
                .containsPattern("(?m)^spurious faults +0 +[0-9,]+$")
                .containsPattern("(?m)^wrong data +0 +0$")
                .containsPattern("(?m)^tables before +3 +3$")
                .containsPattern("(?m)^leaves before +4 2m +4 2m$")
                .containsPattern("(?m)^leaves at worst +[0-9]+ [42][km].* +[0-9]+ [42][km]")
                .containsPattern("(?m)^tables after +3 +3$")
                .containsPattern("(?m)^leaves after +4 2m +4 2m$")
                .containsPattern("(?m)^latency p99.9 +[0-9.]+ [num]s +[0-9.]+ [num]s$")
                .contains("hitless           no device faulted at a page that was there");
        assertThat(run.out().lines().count()).isLessThan(35);
    }

    @Test
    void oneStrategyIsRunIfOneIsAskedFor() {
        assertThat(plain("--json", "--split", "UNMAP-MAP").json())
                .containsEntry("strategies.0.name", "unmap-map")
                .doesNotContainKey("strategies.1.name");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--memory 1x             | \"1x\" is no amount of memory; 512m, 1g and 1t are",
                "--memory 0              | --memory 0: a positive multiple of the large page, 2m",
                "--memory 3m             | --memory 3m: a positive multiple of the large page, 2m",
                "--memory 512m --page 1g | a positive multiple of the large page, 1g",
                "--memory 128t           | up to 64t is legal",
                "--page 4k               | --page 4k: the large page is 2m or 1g",
                "--page 16k              | \"16k\" is no page size",
                "--working-set 2g        | --working-set 2g: a positive multiple of 2m up to 1g",
                "--working-set 4k        | --working-set 4k: a positive multiple of 2m up to 1g",
                "--split half            | \"half\" is no strategy; hitless and unmap-map are",
                "--devices 0             | --devices 0: 1 to 64 are legal",
                "--devices 65            | --devices 65: 1 to 64 are legal",
                "--devices two           | two",
                "--seconds 0             | --seconds 0.0: more than 0, up to 2592000, are legal",
                "--seconds -1            | --seconds -1.0: more than 0",
                "--seconds 1e99          | more than 0, up to 2592000",
                "--seconds soon          | soon",
                "--seed x                | x",
                "--machine vax           | no machine \"vax\"; found: ",
                "--frobnicate            | --frobnicate",
                "surplus                 | surplus",
            })
    void badUsageIsAnErrorOfOneLine(String arguments, String expected) {
        assertFailure(CommandRun.of(("swap " + arguments).split(" ")), expected);
    }

    @Test
    void moreDevicesThanTheMachineHasIsBadUsage() {
        CommandRun run = plain("--devices", "3");
        assertFailure(run, "--devices 3: the machine \"emulator\" has 2");
    }

    private static CommandRun plain(String... more) {
        String[] usual = {"swap", "--memory", "8m", "--seconds", "0.2"};
        String[] arguments = Arrays.copyOf(usual, usual.length + more.length);
        System.arraycopy(more, 0, arguments, usual.length, more.length);
        return CommandRun.of(
                InputStream.nullInputStream(),
                PlainMachine::open,
                (choice, bytes) -> PlainMachine.of(bytes, 2),
                arguments);
    }

    private static void assertFailure(CommandRun run, String expected) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("iommu4j swap: ").contains(expected);
        assertThat(run.err().lines()).hasSize(1);
    }
}
