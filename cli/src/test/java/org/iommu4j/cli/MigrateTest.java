package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Live migration on the VT-d driver and emulated units. */
class MigrateTest {
    private static final int SHORT = 3;
    private static final int LONG = 100;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "emulator:caches=keeps-everything",
                "emulator:caches=drops-anything",
                "emulator:second-stage=false,caches=keeps-everything",
                "emulator:second-stage=false,caches=drops-anything",
                "emulator:units=2,caching-mode=true",
                "emulator:max-address-mask=0,queue-thread=true",
                "emulator:page-selective=false",
            })
    void D1_theCopyIsEqualOnEveryKindOfUnit(String machine) {
        Map<String, String> json =
                migrated("--memory", "8m", "--seconds", "0.5", "--machine", machine);
        assertCopied(json, "runs.0.");
        assertCopied(json, "runs.1.");
    }

    /** What was mapped with 1 GiB is told apart by 4 KiB, and mapped with 1 GiB afterwards. */
    @Test
    void D2_whatWasMappedWith1GiBIsToldApartBy4KiB() {
        Map<String, String> json =
                migrated("--memory", "1g", "--page", "1g", "--seconds", "20", "--no-sanitizer");
        for (String run : new String[] {"runs.0.", "runs.1.", "runs.2."}) {
            assertCopied(json, run);
        }
        assertThat(number(json, "runs.2.bytesCopied"))
                .isEqualTo(number(json, "runs.2.rounds") << 30);
        assertThat(number(json, "runs.0.bytesCopiedStopped")).isLessThan(1 << 28);
        assertThat(number(json, "runs.0.tablePages.peak"))
                .isGreaterThan(number(json, "runs.0.tablePages.before") + 512);
        assertThat(number(json, "runs.2.tablePages.peak"))
                .isEqualTo(number(json, "runs.2.tablePages.before"));
    }

    /** A hundred seeds with {@code -Diommu4j.long=true}, else a few. */
    @Test
    void D1_theCopyIsEqualWhateverTheSeed() {
        int seeds = Boolean.getBoolean("iommu4j.long") ? LONG : SHORT;
        for (int seed = 1; seed <= seeds; seed++) {
            String caches = seed % 2 == 0 ? "keeps-everything" : "drops-anything";
            assertCopied(
                    migrated(
                            "--memory",
                            "4m",
                            "--seconds",
                            "0.3",
                            "--granularity",
                            "4k",
                            "--seed",
                            Integer.toString(seed),
                            "--machine",
                            "emulator:caches=" + caches),
                    "runs.0.");
        }
    }

    private static void assertCopied(Map<String, String> json, String run) {
        assertThat(json)
                .as("seed %s", json.get("seed"))
                .containsEntry(run + "copyEqual", "true")
                .containsEntry(run + "differingPages", "0")
                .containsEntry(run + "wrongData", "0")
                .containsEntry(run + "faults", "0")
                .containsEntry(run + "violations", "0")
                .containsEntry(run + "tablePages.after", json.get(run + "tablePages.before"));
        assertThat(number(json, run + "writes")).isPositive();
        assertThat(number(json, run + "rounds")).isGreaterThan(1);
        assertThat(number(json, run + "bytesCopied")).isGreaterThan(number(json, "memory"));
    }

    private static Map<String, String> migrated(String... options) {
        String[] arguments = Arrays.copyOf(new String[] {"migrate", "--json"}, 2 + options.length);
        System.arraycopy(options, 0, arguments, 2, options.length);
        CommandRun run = CommandRun.of(arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        return run.json();
    }

    private static long number(Map<String, String> json, String key) {
        return Long.parseLong(json.get(key));
    }
}
