package org.iommu4j.conformance.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.conformance.Contract;
import org.iommu4j.conformance.backend.RuleResult.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each mistake is caught under its rule, by a message that names it. */
class WrongBackendsTest {

    @ParameterizedTest
    @EnumSource
    void everyMistakeIsCaughtByName(Fault fault) {
        List<RuleResult> results =
                Conformance.of(fault.subject())
                        .rules(List.of(fault.rule.name()))
                        .run((rule, done, all) -> {});
        assertThat(results)
                .as("what fails of %s", fault)
                .filteredOn(result -> result.result() == Result.FAILED)
                .anySatisfy(result -> {
                    assertThat(result.id()).isEqualTo(fault.rule.name());
                    assertThat(result.reason()).contains(fault.words);
                    assertThat(result.evidence()).isNotEmpty();
                });
    }

    @Test
    void everyRuleHasAMistakeThatBreaksIt() {
        Set<Rule> broken = EnumSet.noneOf(Rule.class);
        Arrays.stream(Fault.values()).forEach(fault -> broken.add(fault.rule));
        assertThat(broken).containsExactlyInAnyOrder(Rule.values());
    }

    @Test
    void everyRuleHasAContract() {
        Set<Rule> contracted = EnumSet.noneOf(Rule.class);
        for (Contract<BackendUnderTest> contract : BackendContracts.all()) {
            contracted.add(Rule.valueOf(contract.rule()));
        }
        assertThat(contracted).containsExactlyInAnyOrder(Rule.values());
    }

    @Test
    void theSmallBackendIsRightWhenItIsNotToldToBeWrong() {
        List<RuleResult> results =
                Conformance.of(new SmallBackend().underTest()).run((rule, done, all) -> {});
        assertThat(results).hasSize(Rule.values().length);
        assertThat(results).filteredOn(result -> result.result() == Result.FAILED).isEmpty();
        assertThat(results)
                .filteredOn(result -> result.result() == Result.SKIPPED)
                .extracting(RuleResult::id)
                .containsExactly("M8", "G5", "G7", "F1", "F2", "F3", "L2");
    }

    @Test
    void progressIsTold() {
        List<String> told = new ArrayList<>();
        Conformance.of(new SmallBackend().underTest())
                .rules(List.of("M3", "m5"))
                .run((rule, done, all) -> told.add(rule + " " + done + "/" + all));
        assertThat(told).containsExactly("M3 0/2", "M5 1/2");
    }
}
