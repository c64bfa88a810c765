package org.iommu4j.cli;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.iommu4j.api.DomainStatistics;

/** A replay's report as a short table for people. */
final class ReplayTable {
    private static final int NAMES_SHOWN = 8;

    private final PrintStream out;
    private final ReplayReport report;
    private final ReplayCounts counts;

    private ReplayTable(PrintStream out, ReplayReport report) {
        this.out = out;
        this.report = report;
        this.counts = report.counts();
    }

    static void print(String trace, ReplayReport report, PrintStream out) {
        ReplayTable table = new ReplayTable(out, report);
        table.input(trace);
        table.domains();
        table.memory();
        table.hardware();
        table.waiting();
        table.exceptions();
        table.verdict();
    }

    private void input(String trace) {
        ReplaySettings settings = report.settings();
        row("trace", trace + ", " + number(report.lines()) + " lines");
        row(
                "replayed on",
                settings.backend()
                        + " on "
                        + settings.machine()
                        + ", pages of "
                        + PageSize.text(settings.pageSizes())
                        + ", partial unmap "
                        + settings.partialUnmapName()
                        + ", coalesce "
                        + settings.coalesceText()
                        + ", flush "
                        + settings.flush());
        row("maps", number(counts.map) + ", " + bytes(counts.bytesMapped));
        row("unmaps", number(counts.unmap) + ", " + bytes(counts.bytesUnmapped));
        row(
                "other lines",
                number(report.ignored())
                        + " ignored, "
                        + number(report.malformed())
                        + " malformed; "
                        + number(counts.failed)
                        + " of the maps and unmaps failed");
        report.firstMalformed().ifPresent(first -> row("", "first malformed: " + first));
    }

    private void domains() {
        List<String> names = report.domainNames();
        String shown = String.join(", ", names.subList(0, Math.min(names.size(), NAMES_SHOWN)));
        row(
                "domains",
                number(report.domains())
                        + ", "
                        + number(names.size())
                        + " of them named by the trace"
                        + (names.isEmpty() ? "" : ": " + shown)
                        + (names.size() > NAMES_SHOWN ? ", ..." : ""));
        row("ambiguous", number(report.ambiguous()) + " events fit several domains");
        row("", "told apart " + DomainAttribution.HEURISTIC);
    }

    private void memory() {
        row("live", number(report.livePages()) + " pages of 4k, in " + leaves());
        row(
                "tables",
                number(report.tablePages())
                        + " pages, "
                        + number(report.peakTablePages())
                        + " at the peak");
    }

    private void hardware() {
        DomainStatistics.Invalidations invalidations = report.invalidations();
        row("splits", number(report.splits()));
        row(
                "over-unmap",
                bytes(counts.overUnmapAvoidedBytes)
                        + " that the kernel unmapped beyond what was asked, and these tables kept");
        row(
                "invalidations",
                number(invalidations.page())
                        + " of pages, "
                        + number(invalidations.domain())
                        + " of a domain, "
                        + number(invalidations.global())
                        + " global");
    }

    private void waiting() {
        row(
                "held back",
                number(report.heldPages())
                        + " table pages at the peak waited for an invalidation; "
                        + number(counts.reuseWaits)
                        + " maps waited for one");
    }

    /** What did not go as expected: only shown where there is any. */
    private void exceptions() {
        row("unknown unmaps", number(counts.unknownUnmaps) + " of something never seen mapped");
        for (Map.Entry<String, Long> count : report.furtherCounts().entrySet()) {
            if (count.getValue() > 0) {
                row(count.getKey(), number(count.getValue()));
            }
        }
    }

    private void verdict() {
        row(
                "time",
                String.format(Locale.ROOT, "%.3f s, ", report.seconds())
                        + number(Math.round(report.eventsPerSecond()))
                        + " events/s");
        row("violations", number(counts.violations.count()));
        counts.violations.first().forEach(violation -> row("", violation));
    }

    private String leaves() {
        return String.join(
                ", ",
                report.leaves().entrySet().stream()
                        .map(leaf ->
                                number(leaf.getValue()) + " of " + PageSize.text(leaf.getKey()))
                        .toList());
    }

    private void row(String name, String value) {
        out.println(String.format(Locale.ROOT, "%-15s ", name) + value);
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String bytes(long count) {
        return count < 1 << 20
                ? number(count >> 10) + " KiB"
                : String.format(Locale.ROOT, "%,.1f MiB", count / 1048576.0);
    }
}
