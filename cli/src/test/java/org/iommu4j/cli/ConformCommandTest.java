package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** {@code iommu4j conform}. */
class ConformCommandTest {

    @Test
    void aLineARuleAndASummary() {
        CommandRun run = CommandRun.of("conform", "--rule", "m2", "--rule", "G7", "--seed", "7");
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines())
                .containsExactly(
                        "M2  passed     mapping over anything mapped is refused and changes nothing",
                        "G7  skipped    a completion covers all units",
                        "    the machine has no devices behind two remapping units (after one unmap no"
                                + " device of any unit reaches the page)",
                        "vtd on emulator, seed 7: 1 rules passed, 0 failed, 1 skipped");
    }

    @Test
    void json() {
        CommandRun run = CommandRun.of("conform", "--machine", "memory", "--rule", "G5", "--json");
        assertThat(run.exitCode()).isZero();
        assertThat(run.json())
                .containsEntry("backend", "vtd")
                .containsEntry("machine", "memory")
                .containsEntry("seed", "1")
                .containsEntry("rules.0.id", "G5")
                .containsEntry("rules.0.kind", "must")
                .containsEntry("rules.0.result", "skipped")
                .hasEntrySatisfying(
                        "rules.0.reason",
                        reason ->
                                assertThat(reason)
                                        .startsWith("there is no device that could do DMA"));
    }

    @Test
    void whatIsUnknownListsWhatIsKnown() {
        assertUnusable("no rule \"X9\"; there are M1, M2, M3", "--rule", "X9");
        assertUnusable("no backend \"amd\"; found: vtd", "--backend", "amd");
        assertUnusable("no machine \"moon\"; found: emulator", "--machine", "moon");
        assertUnusable("or \"memory\", page tables without hardware", "--machine", "moon");
        assertUnusable("the emulator has no parameter \"x\"", "--machine", "emulator:x=1");
        assertUnusable("--seed", "--seed", "many");
    }

    private static void assertUnusable(String message, String option, String value) {
        CommandRun run = CommandRun.of("conform", option, value);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).hasSize(1).first().asString().contains(message);
    }

    @Test
    void helpShowsAnExample() {
        assertThat(CommandRun.of("conform", "--help").out())
                .contains("Example: iommu4j conform --machine")
                .contains("Exit codes: 0 done, 1");
    }
}
