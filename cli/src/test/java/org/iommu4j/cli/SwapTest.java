package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The founding scenario, on the VT-d driver and emulated units. */
class SwapTest {
    private static final String HITLESS = "strategies.0.";
    private static final double SHORT = 2;
    private static final double LONG = 60;

    /** The same seed for both: what one strategy shows, the other does not. */
    @Test
    void S1_noDeviceFaultsAtAPageThatIsThere() {
        Map<String, String> json =
                swapped(
                        1,
                        seen -> count(seen, "strategies.1.spuriousFaults") > 20,
                        "--memory",
                        "4m",
                        "--faults",
                        "fatal");
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
        hitless(0.4, "--memory", "16m", "--machine", machine);
    }

    @ParameterizedTest
    @CsvSource({"1, strict", "3, strict", "2, domain", "2, deferred"})
    void S1_withMoreDevicesAndOtherPolicies(String devices, String flush) {
        hitless(0.4, "--memory", "16m", "--devices", devices, "--flush", flush);
    }

    @Test
    void S1_outOfAPageOf1GiB() {
        Map<String, String> json =
                swapped(
                        1,
                        seen -> count(seen, "strategies.1.spuriousFaults") > 0,
                        "--memory",
                        "2g",
                        "--page",
                        "1g",
                        "--working-set",
                        "16m");
        assertThat(count(json, "strategies.1.spuriousFaults")).isPositive();
    }

    /** Only tables and what devices use cost anything. */
    @Test
    void aVmOf1TiBIsNoMoreThanItsTables() {
        Map<String, String> json = hitless(0.5, "--memory", "1t", "--working-set", "16m");
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
        hitless(Boolean.getBoolean("iommu4j.long") ? LONG : SHORT, "--devices", "2");
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

    private static Map<String, String> hitless(double seconds, String... options) {
        String[] all = Arrays.copyOf(options, options.length + 2);
        all[options.length] = "--split";
        all[options.length + 1] = "hitless";
        return swapped(seconds, _ -> true, all);
    }

    /** Hitless first; until that, and what a test looks for besides, has shown enough. */
    private static Map<String, String> swapped(
            double seconds, Predicate<Map<String, String>> enough, String... options) {
        CommandRun run =
                LongEnough.run(
                        seconds,
                        so -> swapped(so, options),
                        seen -> isBusy(seen.json()) && enough.test(seen.json()));
        Map<String, String> json = run.json();
        assertThat(count(json, HITLESS + "tables.worst.tablePages"))
                .isGreaterThan(count(json, HITLESS + "tables.before.tablePages"));
        assertThat(count(json, HITLESS + "dmas")).isGreaterThan(1000);
        assertThat(count(json, HITLESS + "swaps")).isPositive();
        assertThat(count(json, HITLESS + "splits")).isPositive();
        assertThat(count(json, HITLESS + "invalidations")).isPositive();
        return json;
    }

    private static boolean isBusy(Map<String, String> json) {
        return count(json, HITLESS + "dmas") > 1000 && count(json, HITLESS + "splits") > 0;
    }

    private static CommandRun swapped(double seconds, String... options) {
        String[] arguments = Arrays.copyOf(options, options.length + 4);
        System.arraycopy(options, 0, arguments, 1, options.length);
        arguments[0] = "swap";
        arguments[options.length + 1] = "--json";
        arguments[options.length + 2] = "--seconds";
        arguments[options.length + 3] = Double.toString(seconds);
        CommandRun run = CommandRun.of(arguments);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).as(run.out()).isZero();
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry(HITLESS + "name", "hitless")
                .containsEntry(HITLESS + "spuriousFaults", "0")
                .containsEntry(HITLESS + "wrongData", "0")
                .containsEntry(HITLESS + "violations", "0");
        for (String held : List.of("tablePages", "leaves.4k", "leaves.2m", "leaves.1g")) {
            assertThat(json)
                    .containsEntry(
                            HITLESS + "tables.after." + held,
                            json.get(HITLESS + "tables.before." + held));
        }
        return run;
    }

    private static long count(Map<String, String> json, String key) {
        return Long.parseLong(json.get(key));
    }
}
