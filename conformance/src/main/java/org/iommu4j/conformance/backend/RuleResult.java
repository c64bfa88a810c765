package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.Locale;
import org.iommu4j.conformance.Contract;

/**
 * What came of a rule.
 *
 * @param id its number, such as {@code "G2"}
 * @param sentence what it says, in a few words
 * @param kind how binding it is
 * @param result whether it is kept
 * @param reason why it is not, or why it, or a part of it, was not tried; empty if all of it is
 *     kept
 * @param evidence what was seen, line by line, oldest first
 */
public record RuleResult(
        String id,
        String sentence,
        Contract.Kind kind,
        Result result,
        String reason,
        List<String> evidence) {

    /** Whether a rule is kept. */
    public enum Result {
        /** Everything that was tried was as it says. */
        PASSED,
        /** Something was not. */
        FAILED,
        /** Nothing could be tried, for the reason given. */
        SKIPPED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Copies what is given. */
    public RuleResult {
        evidence = List.copyOf(evidence);
    }

    /** {@return true unless it must be kept and is not} */
    public boolean isGood() {
        return result != Result.FAILED || kind != Contract.Kind.MUST;
    }
}
