package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.iommu4j.api.DomainStatistics;

/**
 * Several flush policies on one trace, side by side: what was asked of the unit, what was held back
 * for it, and how long it took.
 */
final class FlushComparison {
    private static final String ROW = "%-28s %14s %14s %8s %12s %12s %10s %11s%n";

    private FlushComparison() {}

    /**
     * Takes the policies apart that a user wrote in one word: a comma begins a new one, unless a
     * parameter of the one before follows.
     *
     * @param written such as {@code strict,deferred:count=64,age=1ms,domain}
     * @return the policies
     */
    static List<String> policies(List<String> written) {
        List<String> policies = new ArrayList<>();
        for (String part : String.join(",", written).split(",", -1)) {
            boolean parameter = part.contains("=") && !part.contains(":");
            if (parameter && !policies.isEmpty()) {
                policies.add(policies.removeLast() + "," + part);
            } else {
                policies.add(part);
            }
        }
        return policies;
    }

    static void print(String trace, List<ReplayReport> reports, PrintStream out) {
        ReplayReport first = reports.getFirst();
        out.printf(
                Locale.ROOT,
                "%s, %,d maps and unmaps of %,d domains; %s, pages of %s, partial unmap %s%n%n",
                trace,
                first.events(),
                first.domains(),
                first.settings().backend(),
                PageSize.text(first.settings().pageSizes()),
                first.settings().partialUnmapName());
        out.printf(
                Locale.ROOT,
                ROW,
                "flush policy",
                "page requests",
                "domain req.",
                "global",
                "held pages",
                "map waits",
                "seconds",
                "violations");
        for (ReplayReport report : reports) {
            DomainStatistics.Invalidations asked = report.invalidations();
            out.printf(
                    Locale.ROOT,
                    ROW,
                    report.settings().flush(),
                    number(asked.page()),
                    number(asked.domain()),
                    number(asked.global()),
                    number(report.heldPages()),
                    number(report.counts().reuseWaits),
                    String.format(Locale.ROOT, "%.3f", report.seconds()),
                    number(report.counts().violations.count()));
        }
        out.println();
        out.println(
                "held pages: table pages that waited for an invalidation, at the peak; map waits:"
                        + " maps of a range whose unmap was not complete yet");
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
