package org.iommu4j.conformance;

import java.util.List;
import java.util.Locale;

/**
 * What came of one run of a contract.
 *
 * @param rule the number of the rule that the outcome is about: of a broken one, whichever was
 *     found broken, which may be another than the contract's
 * @param sentence what was claimed
 * @param outcome whether that is so
 * @param reason why it is not, or why it was not tried; empty if it is
 * @param evidence what was seen, line by line
 */
public record Verdict(
        String rule, String sentence, Outcome outcome, String reason, List<String> evidence) {

    /** Whether a contract is kept. */
    public enum Outcome {
        /** Everything was as claimed. */
        KEPT,
        /** Something was not. */
        BROKEN,
        /** It does not apply, for the reason given. */
        SKIPPED
    }

    /** Copies what is given. */
    public Verdict {
        evidence = List.copyOf(evidence);
    }

    /** {@return true unless the contract is broken} */
    public boolean isGood() {
        return outcome != Outcome.BROKEN;
    }

    /** {@return the verdict in one line} */
    public String line() {
        String what = outcome == Outcome.KEPT ? "kept" : outcome.name().toLowerCase(Locale.ROOT);
        return rule
                + " "
                + what
                + ": "
                + (reason.isEmpty() ? sentence : reason + " (" + sentence + ")");
    }
}
