package org.iommu4j.conformance;

import java.util.Objects;

/**
 * One claim that every implementation of a kind must keep, and the way to find out whether one
 * does.
 *
 * <p>A contract has no state; any thread may run it, against as many subjects as it likes.
 *
 * @param <S> what it is run against, such as a provider of flush policies
 */
public final class Contract<S> {

    /**
     * What a contract does with its subject.
     *
     * @param <S> what it is run against
     */
    @FunctionalInterface
    public interface Body<S> {

        /**
         * Tries the subject. Returning means that the contract was kept.
         *
         * @param subject what to try
         * @param evidence takes what was seen, and ends the run where the contract is broken or
         *     does not apply
         * @throws Exception whatever the subject throws: the contract is broken then
         */
        void run(S subject, Evidence evidence) throws Exception;
    }

    private final String rule;
    private final String sentence;
    private final Body<? super S> body;

    /**
     * Makes a contract.
     *
     * @param rule the number of the rule that it is about, such as {@code "G1"}
     * @param sentence what is claimed
     * @param body finds out
     */
    public Contract(String rule, String sentence, Body<? super S> body) {
        this.rule = Objects.requireNonNull(rule, "rule");
        this.sentence = Objects.requireNonNull(sentence, "sentence");
        this.body = Objects.requireNonNull(body, "body");
    }

    /** {@return the number of the rule that it is about, such as {@code "G1"}} */
    public String rule() {
        return rule;
    }

    /** {@return what is claimed} */
    public String sentence() {
        return sentence;
    }

    /**
     * Runs the contract.
     *
     * @param subject what to try
     * @return what came of it; nothing is thrown, whatever the subject does
     */
    @SuppressWarnings("CatchThrowable") // a subject that throws an Error has broken the contract
    public Verdict run(S subject) {
        Evidence evidence = new Evidence();
        try {
            body.run(subject, evidence);
            return new Verdict(rule, sentence, Verdict.Outcome.KEPT, "", evidence.lines());
        } catch (Evidence.Skipped e) {
            return verdict(Verdict.Outcome.SKIPPED, e, evidence);
        } catch (Evidence.Broken e) {
            return verdict(Verdict.Outcome.BROKEN, e, evidence);
        } catch (Throwable e) {
            evidence.note(Evidence.trace(e));
            return new Verdict(
                    rule, sentence, Verdict.Outcome.BROKEN, "it threw " + e, evidence.lines());
        }
    }

    private Verdict verdict(Verdict.Outcome outcome, RuntimeException e, Evidence evidence) {
        return new Verdict(
                rule, sentence, outcome, String.valueOf(e.getMessage()), evidence.lines());
    }

    @Override
    public String toString() {
        return rule + ": " + sentence;
    }
}
