package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The founding scenario, on the VT-d driver and emulated units. */
class SwapTest {
    private static final String SHORT = "2";
    private static final String LONG = "60";

    /** The same seed for both: what one strategy shows, the other does not. */
    @Test
    void S1_noDeviceFaultsAtAPageThatIsThere() {
        Map<String, String> json = swapped("--memory", "4m", "--seconds", "1", "--faults", "fatal");
        assertHitless(json, "strategies.0.");
        assertThat(json).containsEntry("strategies.1.name", "unmap-map");
        assertThat(count(json, "strategies.1.spuriousFaults")).isGreaterThan(20);
        assertThat(json)
                .containsEntry("strategies.1.wrongData", "0")
                .containsEntry("strategies.1.violations", "0")
                .containsEntry("strategies.1.splits", "0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "emulator:scalable=false",
                "emulator:scalable=false,caches=keeps-everything",
                "emulator:scalable=false,caches=drops-anything,coherent=false",
                "emulator:page-requests=false",
                "emulator:second-stage=false",
                "emulator:second-stage=false,caches=drops-anything,page-walk-coherent=false",
                "emulator:widths=39",
                "emulator:widths=48",
                "emulator:widths=57",
                "emulator:coherent=false",
                "emulator:units=2",
                "emulator:queue-thread=true",
                "emulator:caching-mode=true",
                "emulator:write-buffer-flush=true",
                "emulator:page-selective=false",
                "emulator:max-address-mask=0",
                "emulator:caches=keeps-everything",
                "emulator:caches=drops-anything",
                "emulator:caches=drops-anything,coherent=false,units=2,caching-mode=true",
            })
    void S1_onEveryKindOfUnit(String machine) {
        assertHitless(
                swapped(
                        "--memory",
                        "16m",
                        "--seconds",
                        "0.4",
                        "--split",
                        "hitless",
                        "--machine",
                        machine),
                "strategies.0.");
    }

    @ParameterizedTest
    @CsvSource({"1, strict", "3, strict", "2, domain", "2, deferred"})
    void S1_withMoreDevicesAndOtherPolicies(String devices, String flush) {
        assertHitless(
                swapped(
                        "--memory",
                        "16m",
                        "--seconds",
                        "0.4",
                        "--split",
                        "hitless",
                        "--devices",
                        devices,
                        "--flush",
                        flush),
                "strategies.0.");
    }

    @Test
    void S1_outOfAPageOf1GiB() {
        Map<String, String> json =
                swapped("--memory", "2g", "--page", "1g", "--working-set", "16m", "--seconds", "1");
        assertHitless(json, "strategies.0.");
        assertThat(count(json, "strategies.1.spuriousFaults")).isPositive();
    }

    /** Only tables and what devices use cost anything. */
    @Test
    void aVmOf1TiBIsNoMoreThanItsTables() {
        Map<String, String> json =
                swapped(
                        "--memory",
                        "1t",
                        "--working-set",
                        "16m",
                        "--seconds",
                        "0.5",
                        "--split",
                        "hitless");
        assertHitless(json, "strategies.0.");
        assertThat(count(json, "strategies.0.tablePages")).isBetween(1024L, 1100L);
    }

    @Test
    void withoutASanitizerTheDataIsCheckedAllTheSame() {
        CommandRun run =
                CommandRun.of("swap", "--memory", "8m", "--seconds", "0.2", "--no-sanitizer");
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out())
                .contains("no sanitizer")
                .containsPattern("violations +not looked for +not looked for")
                .containsPattern("wrong data +0 +0");
    }

    /** A minute with {@code -Diommu4j.long=true}, else two seconds. */
    @Test
    void soak() {
        String seconds = Boolean.getBoolean("iommu4j.long") ? LONG : SHORT;
        assertHitless(
                swapped("--devices", "2", "--seconds", seconds, "--split", "hitless"),
                "strategies.0.");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--machine vax               | no machine \"vax\"; found: emulator (org.iommu4j.emulator",
                "--faults recoverable --machine emulator:page-requests=false | have no page requests",
                "--faults fatal --swap-in on-fault | --swap-in on-fault: faults are fatal here",
                "--faults mild               | \"mild\" is no kind of fault; recoverable and fatal are",
                "--swap-in late              | \"late\" is no time for swapping in; eager and on-fault are",
                "--machine emulator:         | parameters are written name:key=value",
                "--machine emulator:wheels=4 | the emulator has no parameter \"wheels\"; legal are ",
                "--machine emulator:devices=1 | --devices 2: the machine \"emulator:devices=1\" has 1",
                "--machine emulator:page-sizes=4K | --page 2m: ",
                "--backend amdvi             | no backend \"amdvi\"; found: vtd",
                "--flush lazy                | no flush policy \"lazy\"; found: ",
                "--memory 1t --machine emulator:widths=39 | --memory 1t: ",
                "--memory 64t                | 0x",
            })
    void whatTheMachineCannotDoIsBadUsage(String arguments, String expected) {
        CommandRun run = CommandRun.of(("swap " + arguments).split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("iommu4j swap: ").contains(expected);
        assertThat(run.err().lines()).hasSize(1);
    }

    private static void assertHitless(Map<String, String> json, String strategy) {
        assertThat(json)
                .containsEntry(strategy + "name", "hitless")
                .containsEntry(strategy + "spuriousFaults", "0")
                .containsEntry(strategy + "wrongData", "0")
                .containsEntry(strategy + "violations", "0");
        for (String held : List.of("tablePages", "leaves.4k", "leaves.2m", "leaves.1g")) {
            assertThat(json)
                    .containsEntry(
                            strategy + "tables.after." + held,
                            json.get(strategy + "tables.before." + held));
        }
        assertThat(count(json, strategy + "tables.worst.tablePages"))
                .isGreaterThan(count(json, strategy + "tables.before.tablePages"));
        assertThat(count(json, strategy + "dmas")).isGreaterThan(1000);
        assertThat(count(json, strategy + "swaps")).isPositive();
        assertThat(count(json, strategy + "splits")).isPositive();
        assertThat(count(json, strategy + "invalidations")).isPositive();
    }

    private static Map<String, String> swapped(String... options) {
        String[] arguments = Arrays.copyOf(new String[] {"swap", "--json"}, 2 + options.length);
        System.arraycopy(options, 0, arguments, 2, options.length);
        CommandRun run = CommandRun.of(arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        return run.json();
    }

    private static long count(Map<String, String> json, String key) {
        return Long.parseLong(json.get(key));
    }
}
