package org.iommu4j.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.List;
import org.iommu4j.conformance.Verdict.Outcome;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each mistake is caught, under its rule, by a message that names it. */
class WrongPoliciesTest {

    @ParameterizedTest
    @EnumSource
    void G1_G2_G3_G4_G6_wrongFlushPoliciesAreCaughtByName(WrongFlushPolicies wrong) {
        assertCaught(
                FlushPolicyContracts.all().stream().map(c -> c.run(wrong)).toList(),
                wrong.rule,
                wrong.message);
    }

    @ParameterizedTest
    @EnumSource
    void S7_wrongCacheFlushersAreCaughtByName(WrongCacheFlushers wrong) {
        assertCaught(
                CacheFlusherContracts.all().stream().map(c -> c.run(wrong)).toList(),
                "S7",
                wrong.message);
    }

    @ParameterizedTest
    @EnumSource
    void M1_S6_L1_T2_wrongTableAllocatorsAreCaughtByName(WrongTableAllocators wrong) {
        assertCaught(
                TableAllocatorContracts.all().stream().map(c -> c.run(wrong)).toList(),
                wrong.rule,
                wrong.message);
    }

    @Test
    void whatDoesNotApplyIsSkippedWithTheReason() {
        CacheFlusherProvider none =
                Providers.choose(
                        CacheFlusherProvider.class,
                        "cache flusher",
                        CacheFlusherProvider.providers(),
                        "none");
        List<Verdict> verdicts =
                CacheFlusherContracts.all().stream().map(c -> c.run(none)).toList();
        assertThat(verdicts).allMatch(Verdict::isGood);
        assertThat(verdicts)
                .filteredOn(v -> v.outcome() == Outcome.SKIPPED)
                .hasSize(verdicts.size() - 1)
                .allMatch(v -> v.line().startsWith("S7 skipped: isNeeded() is false"));
    }

    @Test
    void whatThrowsHasBrokenTheContractAndShowsWhere() {
        Contract<String> contract =
                new Contract<>(
                        "X1",
                        "it does not throw",
                        (subject, evidence) -> {
                            evidence.note("about to");
                            throw new AssertionError(subject);
                        });
        Verdict verdict = contract.run("boom");
        assertThat(verdict.outcome()).isEqualTo(Outcome.BROKEN);
        assertThat(verdict.line())
                .isEqualTo(
                        "X1 broken: it threw java.lang.AssertionError: boom (it does not throw)");
        assertThat(verdict.evidence()).first().isEqualTo("about to");
        assertThat(verdict.evidence().get(1)).contains("WrongPoliciesTest");
    }

    @Test
    void countingKnowsWhatIsOutAndRefusesWhatIsNot() {
        CountingAllocator counting = new CountingAllocator(slab());
        PageList list = new PageList();
        counting.reserve(3, list);
        long page = counting.take();
        assertThat(counting.outstanding()).isEqualTo(4);
        counting.giveBack(list);
        counting.give(page);
        assertThat(counting.outstanding()).isZero();
        assertThat(counting.mostOutstanding()).isEqualTo(4);
        assertThat(counting.taken()).isEqualTo(4);
        assertThat(catchThrowable(() -> counting.give(page)))
                .hasMessageContaining("came back without having been lent");
    }

    @Test
    void failingRefusesOneReservationOnly() {
        FailingAllocator failing = new FailingAllocator(slab(), 2);
        PageList list = new PageList();
        assertThat(failing.reserve(1, list)).isTrue();
        assertThat(failing.hasFailed()).isFalse();
        assertThat(failing.reserveForSplit(1, list)).isFalse();
        assertThat(failing.hasFailed()).isTrue();
        assertThat(failing.reserveZeroed(1, list) && failing.take() > 0).isTrue();
        assertThat(new FailingAllocator(slab(), 0).reserve(1, list)).isTrue();
    }

    private static TableAllocator slab() {
        return Providers.preferred("table allocator", TableAllocatorProvider.providers())
                .create(PhysicalMemory.allocate(1 << 20));
    }

    private static void assertCaught(List<Verdict> verdicts, String rule, String message) {
        List<String> broken =
                verdicts.stream().filter(v -> !v.isGood()).map(Verdict::line).toList();
        assertThat(broken)
                .as("the contracts it breaks")
                .anyMatch(line -> line.contains(rule) && line.contains(message));
    }
}
