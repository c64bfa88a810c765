package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.conformance.Contract;
import org.iommu4j.conformance.Verdict;
import org.iommu4j.conformance.Verdict.Outcome;

/**
 * Runs the rules against a backend without any test framework.
 *
 * <p>Every rule of the specification has one result. What a sanitizer found, and pages that leaked,
 * count under the rule that they break, whichever rule was being tried. Used by one thread.
 */
public final class Conformance {

    /** Hears how far a run is. */
    @FunctionalInterface
    public interface Progress {

        /**
         * A contract is about to be tried.
         *
         * @param rule its rule
         * @param done how many were tried before
         * @param all how many there are
         */
        void at(String rule, int done, int all);
    }

    private final BackendUnderTest subject;
    private final Set<Rule> chosen;

    private Conformance(BackendUnderTest subject, Set<Rule> chosen) {
        this.subject = subject;
        this.chosen = chosen;
    }

    /**
     * All rules against a backend.
     *
     * @param subject the backend, and what it is tried on
     * @return the run, not begun
     */
    public static Conformance of(BackendUnderTest subject) {
        return new Conformance(subject, EnumSet.allOf(Rule.class));
    }

    /**
     * Some rules only.
     *
     * @param ids their numbers
     * @return a changed copy
     * @throws IllegalArgumentException if there is no such rule; the message lists those there are
     */
    public Conformance rules(Collection<String> ids) {
        Set<Rule> rules = EnumSet.noneOf(Rule.class);
        for (String id : ids) {
            rules.add(
                    Arrays.stream(Rule.values())
                            .filter(rule -> rule.name().equalsIgnoreCase(id))
                            .findFirst()
                            .orElseThrow(() ->
                                    new IllegalArgumentException(
                                            "no rule \"" + id + "\"; there are " + listed())));
        }
        return new Conformance(subject, rules);
    }

    private static String listed() {
        return String.join(", ", Arrays.stream(Rule.values()).map(Rule::name).toList());
    }

    /**
     * Tries the rules.
     *
     * @param progress hears how far it is
     * @return a result for each rule, in the order of the specification; of a rule that was not
     *     chosen only if it was found broken
     */
    public List<RuleResult> run(Progress progress) {
        List<Contract<BackendUnderTest>> contracts =
                BackendContracts.all().stream()
                        .filter(contract -> chosen.contains(Rule.valueOf(contract.rule())))
                        .toList();
        List<Verdict> verdicts = new ArrayList<>();
        for (Contract<BackendUnderTest> contract : contracts) {
            progress.at(contract.rule(), verdicts.size(), contracts.size());
            verdicts.add(contract.run(subject));
        }
        List<RuleResult> results = new ArrayList<>();
        for (Rule rule : Rule.values()) {
            List<Integer> mine = new ArrayList<>();
            for (int i = 0; i < contracts.size(); i++) {
                if (contracts.get(i).rule().equals(rule.name())
                        || verdicts.get(i).rule().equals(rule.name())) {
                    mine.add(i);
                }
            }
            if (!mine.isEmpty()) {
                results.add(result(rule, mine.stream().map(verdicts::get).toList()));
            }
        }
        return results;
    }

    private static RuleResult result(Rule rule, List<Verdict> verdicts) {
        Contract.Kind kind = kind(rule);
        for (Verdict verdict : verdicts) {
            if (verdict.outcome() == Outcome.BROKEN && verdict.rule().equals(rule.name())) {
                return new RuleResult(
                        rule.name(),
                        rule.sentence(),
                        kind,
                        RuleResult.Result.FAILED,
                        verdict.reason() + " (" + verdict.sentence() + ")",
                        verdict.evidence());
            }
        }
        List<String> reasons =
                verdicts.stream()
                        .filter(verdict -> verdict.outcome() == Outcome.SKIPPED)
                        .map(verdict -> verdict.reason() + " (" + verdict.sentence() + ")")
                        .toList();
        boolean nothing = reasons.size() == verdicts.size();
        return new RuleResult(
                rule.name(),
                rule.sentence(),
                kind,
                nothing ? RuleResult.Result.SKIPPED : RuleResult.Result.PASSED,
                String.join("; ", reasons),
                List.of());
    }

    /** A rule is as binding as the most binding of its contracts. */
    private static Contract.Kind kind(Rule rule) {
        return BackendContracts.all().stream()
                .filter(contract -> contract.rule().equals(rule.name()))
                .map(Contract::kind)
                .min(Comparator.naturalOrder())
                .orElseThrow();
    }
}
