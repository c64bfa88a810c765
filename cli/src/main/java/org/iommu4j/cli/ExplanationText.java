package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import org.iommu4j.inspector.DeviceTables;
import org.iommu4j.inspector.Explanation;
import org.iommu4j.inspector.Explanation.Step;
import org.iommu4j.inspector.RootPointer;

/** One translation, entry by entry, for people. */
final class ExplanationText {
    private ExplanationText() {}

    static void print(RootPointer root, Explanation explanation, PrintStream out) {
        out.println(
                "iova 0x"
                        + Long.toHexString(explanation.iova())
                        + " of "
                        + DeviceTables.deviceName(explanation.device())
                        + (explanation.pasid().isPresent()
                                ? ", pasid " + explanation.pasid().getAsInt()
                                : "")
                        + ", "
                        + root.mode()
                        + " mode, root table 0x"
                        + Long.toHexString(root.table()));
        out.println();
        for (Step step : explanation.steps()) {
            out.println(
                    String.format(
                            Locale.ROOT,
                            "%-22s at 0x%-12x %s",
                            step.structure(),
                            step.address(),
                            words(step.words())));
            out.println("    " + step.meaning());
        }
        out.println();
        out.println("a read   " + explanation.read());
        out.println("a write  " + explanation.write());
    }

    /** The words up to the last that is not zero, lowest first, at least one. */
    private static String words(List<Long> words) {
        int count = words.size();
        while (count > 1 && words.get(count - 1) == 0) {
            count--;
        }
        return String.join(
                " ",
                words.subList(0, count).stream()
                        .map(word -> String.format(Locale.ROOT, "%016x", word))
                        .toList());
    }
}
