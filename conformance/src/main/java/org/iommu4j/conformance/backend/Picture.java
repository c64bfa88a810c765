package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * All that a call could have changed, at one moment: leaves, statistics, pages taken, a gather, and
 * every byte of the tables where they can be read.
 */
final class Picture {

    private final Trial trial;
    private final NotedDomain domain;
    private final @Nullable UnitTables tables;
    private final IotlbGather gather;
    private final long start;
    private final long size;
    private final List<Mapping> leaves;
    private final DomainStatistics statistics;
    private final Set<Long> pages;
    private final Map<Long, Long> words = new HashMap<>();
    private final String gathered;

    private Picture(
            Trial trial,
            NotedDomain domain,
            @Nullable UnitTables tables,
            IotlbGather gather,
            long start,
            long size) {
        this.trial = trial;
        this.domain = domain;
        this.tables = tables;
        this.gather = gather;
        this.start = start;
        this.size = size;
        this.leaves = domain.leaves(start, size);
        this.statistics = domain.itself().statistics();
        this.pages = trial.pages().lent();
        this.gathered = gather.toString();
        if (tables != null) {
            tables.pages().forEach(this::readPage);
        }
    }

    /** Takes a picture of a range, and of what is not of a range. */
    static Picture of(
            Trial trial,
            NotedDomain domain,
            @Nullable UnitTables tables,
            IotlbGather gather,
            long start,
            long size) {
        return new Picture(trial, domain, tables, gather, start, size);
    }

    private void readPage(long page) {
        for (long at = page; at < page + PhysicalMemory.PAGE_SIZE; at += Long.BYTES) {
            words.put(at, trial.memory().loadAcquire(at));
        }
    }

    /** Asks that nothing has changed since. */
    void requireSame(String after) {
        Picture now = new Picture(trial, domain, tables, gather, start, size);
        List<String> changes = new ArrayList<>();
        if (!now.leaves.equals(leaves)) {
            changes.add("the mappings are " + brief(now.leaves) + " and were " + brief(leaves));
        }
        if (!now.gathered.equals(gathered)) {
            changes.add("the gather holds " + now.gathered + " and held " + gathered);
        }
        if (!now.pages.equals(pages)) {
            changes.add(now.pages.size() + " pages are taken, and " + pages.size() + " were");
        }
        words.forEach((at, word) -> {
            long found = trial.memory().loadAcquire(at);
            if (found != word && changes.size() < 5) {
                changes.add(
                        "the entry at "
                                + Hex.of(at)
                                + " is "
                                + Hex.of(found)
                                + " and was "
                                + Hex.of(word));
            }
        });
        if (!now.statistics.leaves().equals(statistics.leaves())
                || now.statistics.tablePages() != statistics.tablePages()
                || now.statistics.splits() != statistics.splits()) {
            changes.add("the statistics are " + now.statistics + " and were " + statistics);
        }
        if (!changes.isEmpty()) {
            throw trial.evidence.broken(after + ", " + String.join("; ", changes));
        }
    }

    private static String brief(List<Mapping> leaves) {
        return leaves.size() > 4 ? leaves.subList(0, 4) + "..." + leaves.size() : leaves.toString();
    }
}
