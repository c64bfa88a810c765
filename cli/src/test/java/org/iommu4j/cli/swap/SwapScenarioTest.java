package org.iommu4j.cli.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.iommu4j.cli.vm.PlainMachine;
import org.iommu4j.cli.vm.VmSettings;
import org.junit.jupiter.api.Test;

class SwapScenarioTest {
    private static final long MIB = 1 << 20;

    @Test
    void whatWasSeenUntilAnInterruptionIsReported() {
        SwapScenario scenario = scenario(settings(Duration.ofDays(1), "plain", true));
        StrategyReport report =
                scenario.run(
                        SplitStrategy.HITLESS,
                        false,
                        (strategy, elapsed) -> {
                            if (elapsed.toMillis() > 100) {
                                scenario.interrupt();
                            }
                        });
        assertThat(scenario.isInterrupted()).isTrue();
        assertThat(report.isClean()).isTrue();
        assertThat(report.dmas()).isPositive();
        assertThat(report.latency().getTotalCount()).isPositive();
        assertThat(report.seconds()).isBetween(0.1, 60.0);
    }

    @Test
    void whatTheUserSaysOfTheMachineGoesFirst() {
        assertThat(settings(Duration.ofSeconds(1), "emulator", true).vm().configuredMachine())
                .isEqualTo("emulator:devices=2,seed=7");
        assertThat(settings(Duration.ofSeconds(1), "emulator", false).vm().configuredMachine())
                .isEqualTo("emulator:devices=2,seed=7,sanitizer=false");
        assertThat(
                        settings(Duration.ofSeconds(1), "emulator:units=2,devices=4", true)
                                .vm()
                                .configuredMachine())
                .isEqualTo("emulator:units=2,devices=4,seed=7");
    }

    private static SwapScenario scenario(SwapSettings settings) {
        return new SwapScenario(
                settings, (choice, bytes) -> PlainMachine.of(bytes, 2), PlainMachine::open);
    }

    private static SwapSettings settings(Duration duration, String machine, boolean sanitizer) {
        return new SwapSettings(
                new VmSettings(8 * MIB, 2 * MIB, 2, duration, 7, machine, "vtd", sanitizer),
                8 * MIB,
                Optional.empty(),
                Optional.empty(),
                "strict");
    }
}
