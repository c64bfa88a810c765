package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The founding scenario on a unit and devices that nobody here wrote. Where there is no QEMU the
 * tests say so and are counted as skipped; with IOMMU4J_QEMU=required they fail instead.
 */
class SwapOnQemuTest {

    @ParameterizedTest
    @ValueSource(strings = {"qemu", "qemu:width=39,caching-mode=true", "qemu:scalable=second"})
    void S1_noDeviceFaultsAtAPageThatIsThere(String machine) {
        CommandRun run =
                CommandRun.of(
                        "swap", "--machine", machine, "--memory", "4m", "--seconds", "1", "--json");
        requireQemu(run);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        Map<String, String> json = run.json();
        assertThat(json)
                .containsEntry("strategies.0.name", "hitless")
                .containsEntry("strategies.0.spuriousFaults", "0")
                .containsEntry("strategies.0.wrongData", "0")
                .containsEntry("strategies.1.wrongData", "0");
        assertThat(Long.parseLong(json.get("strategies.0.dmas"))).isGreaterThan(100);
        assertThat(Long.parseLong(json.get("strategies.0.splits"))).isPositive();
        assertThat(Long.parseLong(json.get("strategies.1.spuriousFaults"))).isPositive();
    }

    @Test
    void moreMemoryThanItsDevicesCanNameIsRefused() {
        CommandRun run =
                CommandRun.of("swap", "--machine", "qemu", "--memory", "4g", "--working-set", "2m");
        requireQemu(run);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .contains(
                        "--memory 4g: the device 0000:00:01.0 has addresses of 32 bits; up to 3g");
    }

    @Test
    void aQemuThatIsNotThereIsOneLine() {
        CommandRun run = CommandRun.of("swap", "--machine", "qemu:binary=/nowhere/qemu");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines())
                .singleElement()
                .asString()
                .contains("no QEMU: /nowhere/qemu was not found")
                .contains("install qemu-system-x86");
    }

    private static void requireQemu(CommandRun run) {
        if (run.err().contains("no QEMU:")) {
            if ("required".equals(System.getenv("IOMMU4J_QEMU"))) {
                throw new AssertionError(run.err());
            }
            System.err.println("swap is not tested on QEMU: " + run.err().strip());
            abort(run.err().strip());
        }
    }
}
