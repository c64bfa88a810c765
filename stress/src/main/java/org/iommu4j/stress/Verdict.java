package org.iommu4j.stress;

import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.infra.StateCase;
import org.openjdk.jcstress.infra.Status;
import org.openjdk.jcstress.infra.TestInfo;
import org.openjdk.jcstress.infra.collectors.TestResult;

/** What came out of one test, in all of its JVMs. */
final class Verdict {

    private final TestInfo test;
    private final Map<String, Long> outcomes = new TreeMap<>();
    private String trouble = "";

    Verdict(TestInfo test) {
        this.test = test;
    }

    /** What came out of one more. */
    void add(TestResult result) {
        for (String outcome : result.getStateKeys()) {
            outcomes.merge(outcome, result.getCount(outcome), Long::sum);
            StateCase known = known(outcome);
            if (known.expect() == Expect.FORBIDDEN) {
                trouble += "\n       forbidden: " + outcome + " (" + known.description() + ")";
            }
        }
        if (result.status() != Status.NORMAL) {
            trouble += "\n       " + result.status() + ' ' + String.join(" ", result.getMessages());
        }
    }

    private StateCase known(String outcome) {
        return test.cases().stream()
                .filter(each -> each.matchesExactly(outcome))
                .findFirst()
                .orElse(test.unmatched());
    }

    /** Whether there were trials at all, and each came out as it may. */
    boolean isKept() {
        return trouble.isEmpty() && !outcomes.isEmpty();
    }

    /** The same in a line, and one more for each thing that went wrong. */
    String line() {
        long trials = outcomes.values().stream().mapToLong(Long::longValue).sum();
        return "%-6s %-48s %,12d trials  %s%s"
                .formatted(
                        isKept() ? "kept" : "BROKEN",
                        StressTests.shortName(test.name()),
                        trials,
                        outcomes,
                        trouble);
    }
}
