package org.iommu4j.cli;

import java.io.PrintStream;
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
        new ReplayTable(out, report).print(trace);
    }

    private void print(String trace) {
        row("trace", "%s, %,d lines", trace, report.lines());
        ReplaySettings settings = report.settings();
        row(
                "replayed on",
                "%s, pages of %s, partial unmap %s, flush %s",
                settings.backend(),
                PageSize.text(settings.pageSizes()),
                settings.partialUnmapName(),
                settings.flush());
        row(
                "events",
                "%,d map, %,d unmap; %,d of them failed; %,d other lines ignored, %,d malformed",
                counts.map,
                counts.unmap,
                counts.failed,
                report.ignored(),
                report.malformed());
        report.firstMalformed().ifPresent(first -> row("", "first malformed: %s", first));
        domains();
        row("mapped", "%s in all, %s unmapped", bytes(counts.bytesMapped), bytes(counts.bytesUnmapped));
        row(
                "kept",
                "%s that the kernel unmapped beyond what was asked",
                bytes(counts.overUnmapAvoidedBytes));
        row("live", "%,d pages of 4k in %s", report.livePages(), leaves());
        row("tables", "%,d pages, %,d at the peak", report.tablePages(), report.peakTablePages());
        DomainStatistics.Invalidations invalidations = report.invalidations();
        row(
                "flushed",
                "%,d page-selective, %,d domain-selective, %,d global; %,d leaves split",
                invalidations.page(),
                invalidations.domain(),
                invalidations.global(),
                report.splits());
        exceptions();
        row("time", "%.3f s, %,.0f events/s", report.seconds(), report.eventsPerSecond());
        row("violations", "%,d", counts.violations.count());
        counts.violations.first().forEach(violation -> row("", "%s", violation));
    }

    private void domains() {
        String names = "";
        if (!report.domainNames().isEmpty()) {
            names = ": " + String.join(", ", report.domainNames().stream().limit(NAMES_SHOWN).toList());
        }
        row(
                "domains",
                "%,d (%,d named by the trace%s); %,d events ambiguous",
                report.domains(),
                report.domainNames().size(),
                names,
                report.ambiguous());
        row("", "told apart %s", DomainAttribution.HEURISTIC);
    }

    /** What did not go as expected, and so is not always there. */
    private void exceptions() {
        if (counts.unknownUnmaps > 0) {
            row("unknown", "%,d unmaps of something never seen mapped", counts.unknownUnmaps);
        }
        for (Map.Entry<String, Long> count : report.furtherCounts().entrySet()) {
            if (count.getValue() > 0) {
                row(count.getKey(), "%,d", count.getValue());
            }
        }
    }

    private String leaves() {
        StringBuilder text = new StringBuilder();
        report.leaves()
                .forEach(
                        (size, count) ->
                                text.append(text.isEmpty() ? "" : ", ")
                                        .append(String.format(Locale.ROOT, "%,d", count))
                                        .append(" leaves of ")
                                        .append(PageSize.text(size)));
        return text.toString();
    }

    private void row(String name, String format, Object... values) {
        out.println(
                String.format(Locale.ROOT, "%-16s ", name)
                        + String.format(Locale.ROOT, format, values));
    }

    private static String bytes(long count) {
        if (count < 1 << 20) {
            return String.format(Locale.ROOT, "%,d KiB", count >> 10);
        }
        return String.format(Locale.ROOT, "%,.1f MiB", count / 1048576.0);
    }
}
