package org.iommu4j.conformance.backend;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.iommu4j.conformance.backend.RuleResult.Result;

/** Which wrong backend is caught under which rules: the table of the specification. */
final class KillMatrix {

    /* Where threads race it is by chance that a mistake shows. */
    private static final Set<Rule> BY_CHANCE = Set.of(Rule.S5, Rule.C2, Rule.T1, Rule.T2, Rule.L1);

    private KillMatrix() {}

    /** {@return the table, in Markdown} */
    static String markdown() {
        return Arrays.stream(Fault.values())
                .map(KillMatrix::row)
                .collect(
                        Collectors.joining(
                                "\n",
                                "| what is wrong | caught under | also under |\n| --- | --- | --- |\n",
                                "\n"));
    }

    static String row(Fault fault) {
        Set<Rule> also = broken(fault);
        also.remove(fault.rule);
        also.removeAll(BY_CHANCE);
        return begin(fault)
                + (also.isEmpty()
                        ? " |"
                        : " "
                                + also.stream().map(Rule::name).collect(Collectors.joining(" "))
                                + " |");
    }

    /** {@return what a row has before the rules that a mistake breaks besides} */
    static String begin(Fault fault) {
        return "| " + words(fault) + " | " + fault.rule + " |";
    }

    private static String words(Fault fault) {
        String name = fault.mistake().toLowerCase(Locale.ROOT).replace('_', ' ');
        return fault.name().length() == 1 ? "(" + name.charAt(0) + ")" + name.substring(1) : name;
    }

    private static Set<Rule> broken(Fault fault) {
        List<RuleResult> results = Conformance.of(fault.subject()).run((rule, done, all) -> {});
        return results.stream()
                .filter(result -> result.result() == Result.FAILED)
                .map(result -> Rule.valueOf(result.id()))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
