package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import org.iommu4j.conformance.Contract;
import org.iommu4j.conformance.backend.BackendUnderTest;
import org.iommu4j.conformance.backend.RuleResult;
import org.iommu4j.conformance.backend.RuleResult.Result;

/** What a run of the rules showed: for people, and for programs. */
final class ConformReport {
    private ConformReport() {}

    /** A line a rule, the evidence of those that failed, and how many there are of each. */
    static void lines(BackendUnderTest subject, List<RuleResult> results, PrintStream out) {
        for (RuleResult rule : results) {
            out.printf(Locale.ROOT, "%-3s %-10s %s%n", rule.id(), word(rule), rule.sentence());
            if (!rule.reason().isEmpty()) {
                out.println(
                        "    "
                                + (rule.result() == Result.PASSED ? "in part: " : "")
                                + rule.reason());
            }
            rule.evidence().forEach(line -> out.println("      " + line));
        }
        out.printf(
                Locale.ROOT,
                "%s: %d rules passed, %d failed, %d skipped%n",
                subject,
                count(results, Result.PASSED),
                count(results, Result.FAILED),
                count(results, Result.SKIPPED));
    }

    private static String word(RuleResult rule) {
        if (rule.kind() == Contract.Kind.UNTESTABLE) {
            return "untestable";
        }
        boolean should = rule.result() == Result.FAILED && rule.isGood();
        return rule.result() + (should ? "*" : "");
    }

    private static long count(List<RuleResult> results, Result result) {
        return results.stream().filter(rule -> rule.result() == result).count();
    }

    /** One JSON object on one line. */
    static void json(BackendUnderTest subject, List<RuleResult> results, PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            json.writeStartObject();
            json.writeStringField("backend", subject.backend());
            json.writeStringField("machine", subject.machine());
            json.writeNumberField("seed", subject.seed());
            json.writeArrayFieldStart("rules");
            for (RuleResult rule : results) {
                json.writeStartObject();
                json.writeStringField("id", rule.id());
                json.writeStringField("sentence", rule.sentence());
                json.writeStringField("kind", rule.kind().name().toLowerCase(Locale.ROOT));
                json.writeStringField("result", rule.result().toString());
                json.writeStringField("reason", rule.reason());
                json.writeArrayFieldStart("evidence");
                for (String line : rule.evidence()) {
                    json.writeString(line);
                }
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        out.println();
    }
}
