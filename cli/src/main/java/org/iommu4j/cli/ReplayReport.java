package org.iommu4j.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.iommu4j.api.DomainStatistics;

/**
 * What a replay found. Sizes in bytes, tables in pages of 4 KiB.
 *
 * @param settings what the trace was replayed on
 * @param counts what was counted
 * @param lines lines of the trace
 * @param ignored lines that are neither map nor unmap events, without comments and empty ones
 * @param malformed map or unmap events that could not be read
 * @param firstMalformed the first of them
 * @param domains how many domains the trace speaks of
 * @param domainNames the names of those it names
 * @param ambiguous events that could have belonged to several domains
 * @param misattributed unmaps named to one domain, whose map had been given to another
 * @param livePages pages of 4 KiB that the kernel believes are mapped at the end, over all domains
 * @param leaves leaves at the end by page size, of every size in the settings
 * @param tablePages table pages at the end
 * @param peakTablePages the most table pages there were, each domain's own peak added up
 * @param splits leaves that were split
 * @param coalesces tables that became one leaf again
 * @param invalidations requests sent to the unit
 * @param heldPages the most table pages that ever waited for an invalidation
 * @param seconds how long it took
 */
record ReplayReport(
        ReplaySettings settings,
        ReplayCounts counts,
        long lines,
        long ignored,
        long malformed,
        Optional<String> firstMalformed,
        int domains,
        List<String> domainNames,
        long ambiguous,
        long misattributed,
        long livePages,
        Map<Long, Long> leaves,
        long tablePages,
        long peakTablePages,
        long splits,
        long coalesces,
        DomainStatistics.Invalidations invalidations,
        long heldPages,
        double seconds) {

    static ReplayReport of(
            TraceReader reader,
            ReplayCounts counts,
            DomainAttribution attribution,
            List<ReplayedDomain> domains,
            ReplaySettings settings,
            long heldPages,
            double seconds) {
        List<DomainStatistics> statistics =
                domains.stream().map(domain -> domain.tables().statistics()).toList();
        Map<Long, Long> leaves = new TreeMap<>();
        settings.pageSizes().forEach(size -> leaves.put(size, 0L));
        statistics.forEach(domain ->
                domain.leaves().forEach((size, count) -> leaves.merge(size, count, Long::sum)));
        return new ReplayReport(
                settings,
                counts,
                reader.lines(),
                reader.ignored() + counts.flushes,
                reader.malformed(),
                reader.firstMalformed(),
                attribution.domains().size(),
                names(reader, attribution),
                attribution.ambiguous(),
                attribution.misattributed(),
                attribution.domains().stream().mapToLong(domain -> domain.live.bytes()).sum()
                        / 4096,
                leaves,
                statistics.stream().mapToLong(DomainStatistics::tablePages).sum(),
                statistics.stream().mapToLong(DomainStatistics::peakTablePages).sum(),
                statistics.stream().mapToLong(DomainStatistics::splits).sum(),
                statistics.stream().mapToLong(DomainStatistics::coalesces).sum(),
                sum(statistics.stream().map(DomainStatistics::invalidations).toList()),
                heldPages,
                seconds);
    }

    /** Map and unmap events that could be read. */
    long events() {
        return counts.map + counts.unmap;
    }

    /** Counts beside the usual ones, by name. */
    Map<String, Long> furtherCounts() {
        Map<String, Long> further = new LinkedHashMap<>();
        further.put("contradictions", counts.contradictions);
        further.put("misattributed", misattributed);
        further.put("refused", counts.refused);
        further.put("flushes", counts.flushes);
        further.put("rejectedUnmaps", counts.rejectedUnmaps);
        further.put("coalesces", coalesces);
        further.put("bytesRemapped", counts.bytesRemapped);
        return further;
    }

    double eventsPerSecond() {
        return seconds > 0 ? events() / seconds : 0;
    }

    private static List<String> names(TraceReader reader, DomainAttribution attribution) {
        return attribution.domains().stream()
                .filter(domain -> domain.name != TraceEvent.UNNAMED)
                .map(domain -> reader.domainName(domain.name))
                .toList();
    }

    private static DomainStatistics.Invalidations sum(List<DomainStatistics.Invalidations> all) {
        return new DomainStatistics.Invalidations(
                all.stream().mapToLong(DomainStatistics.Invalidations::page).sum(),
                all.stream().mapToLong(DomainStatistics.Invalidations::domain).sum(),
                all.stream().mapToLong(DomainStatistics.Invalidations::global).sum());
    }
}
