package org.iommu4j.conformance;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

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

    /** How binding a contract is. */
    public enum Kind {
        /** Who breaks it is wrong. */
        MUST,
        /** Who breaks it works, and costs more than it should. */
        SHOULD,
        /** It is claimed, and cannot be seen from outside. */
        UNTESTABLE
    }

    private final String rule;
    private final String sentence;
    private final Kind kind;
    private final Body<? super S> body;

    /**
     * Makes a contract that must be kept.
     *
     * @param rule the number of the rule that it is about, such as {@code "G1"}
     * @param sentence what is claimed
     * @param body finds out
     */
    public Contract(String rule, String sentence, Body<? super S> body) {
        this(rule, sentence, Kind.MUST, body);
    }

    private Contract(String rule, String sentence, Kind kind, Body<? super S> body) {
        this.rule = Objects.requireNonNull(rule, "rule");
        this.sentence = Objects.requireNonNull(sentence, "sentence");
        this.kind = kind;
        this.body = Objects.requireNonNull(body, "body");
    }

    /**
     * Makes a contract that should be kept.
     *
     * @param <S> what it is run against
     * @param rule the number of the rule that it is about
     * @param sentence what is claimed
     * @param body finds out
     * @return the contract
     */
    public static <S> Contract<S> should(String rule, String sentence, Body<? super S> body) {
        return new Contract<>(rule, sentence, Kind.SHOULD, body);
    }

    /**
     * Makes a contract that nobody can try from outside; every run of it is skipped.
     *
     * @param <S> what it is run against
     * @param rule the number of the rule that it is about
     * @param sentence what is claimed
     * @param reason why that cannot be seen
     * @return the contract
     */
    public static <S> Contract<S> untestable(String rule, String sentence, String reason) {
        return new Contract<>(
                rule,
                sentence,
                Kind.UNTESTABLE,
                (subject, evidence) -> {
                    throw evidence.skip(reason);
                });
    }

    /** {@return the number of the rule that it is about, such as {@code "G1"}} */
    public String rule() {
        return rule;
    }

    /** {@return what is claimed} */
    public String sentence() {
        return sentence;
    }

    /** {@return how binding it is} */
    public Kind kind() {
        return kind;
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
            return verdict(rule, Verdict.Outcome.SKIPPED, e, evidence);
        } catch (Evidence.Broken e) {
            return verdict(ruleOf(e), Verdict.Outcome.BROKEN, e, evidence);
        } catch (Throwable e) {
            evidence.note(Evidence.trace(e));
            return new Verdict(
                    rule, sentence, Verdict.Outcome.BROKEN, "it threw " + e, evidence.lines());
        }
    }

    private String ruleOf(Evidence.Broken e) {
        @Nullable String named = e.rule();
        return named == null ? rule : named;
    }

    private Verdict verdict(
            String about, Verdict.Outcome outcome, RuntimeException e, Evidence evidence) {
        return new Verdict(
                about, sentence, outcome, String.valueOf(e.getMessage()), evidence.lines());
    }

    @Override
    public String toString() {
        return rule + ": " + sentence;
    }
}
