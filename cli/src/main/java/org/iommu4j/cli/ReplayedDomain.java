package org.iommu4j.cli;

import org.iommu4j.api.Access;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.cli.OperationTimes.Operation;

/**
 * A live domain that does what the kernel did to one domain of the trace, and is held against the
 * kernel's view of it at every step: the result of each unmap, the translation at both ends of each
 * range and of the pages beside an unmap; and by {@link #compareWhole} every leaf.
 *
 * <p>The kernel's word counts. Where its unmap removed more than asked, these tables first do what
 * was asked, the rest being checked to stand, and then remove the rest too, because what follows in
 * the trace depends on it. Where the policy under test removes more than asked, or refuses, the
 * difference is mapped again, as a caller would have to.
 */
final class ReplayedDomain {
    private static final long PAGE = 4096;

    private final IommuDomain tables;
    private final KernelView live;
    private final PartialUnmap partialUnmap;
    private final long end;
    private final ReplayCounts counts;
    private final OperationTimes times;
    private final IotlbGather gather;
    private final UnfinishedUnmaps unfinished = new UnfinishedUnmaps();
    private long line;

    /**
     * Makes the live side of a domain.
     *
     * @param tables the domain under test, empty
     * @param live what the kernel believes, empty; kept up to date here
     * @param partialUnmap what the domain under test was made with
     * @param end the first address beyond the domain's width
     * @param counts where the results go
     * @param times measures what the domain does
     */
    ReplayedDomain(
            IommuDomain tables,
            KernelView live,
            PartialUnmap partialUnmap,
            long end,
            ReplayCounts counts,
            OperationTimes times) {
        this.tables = tables;
        this.live = live;
        this.partialUnmap = partialUnmap;
        this.end = end;
        this.counts = counts;
        this.times = times;
        this.gather = tables.gather();
    }

    /** Does a map that succeeded. */
    void map(TraceEvent event) {
        line = event.line;
        if (!live.isFree(event.iova, event.size)) {
            counts.contradictions++;
            remove(event.iova, event.size);
            sync(event.iova, event.iova + event.size);
        }
        mapTables(event.iova, event.outputAddress, event.size);
        live.add(event.iova, event.outputAddress, event.size);
        expect(event.iova, event.outputAddress);
        long last = event.size - PAGE;
        if (last != 0) {
            expect(event.iova + last, event.outputAddress + last);
        }
    }

    /** Does an unmap that removed something. */
    void unmap(TraceEvent event) {
        line = event.line;
        BelievedRange range = BelievedRange.of(live, event);
        long believed = live.mappedBytes(range.iova(), range.size());
        if (believed == 0) {
            counts.unknownUnmaps++;
        } else if (believed != event.unmappedSize) {
            counts.contradictions++;
        }
        if (range.iova() < event.iova || range.end() > event.iova + event.size) {
            remove(event.iova, event.size);
            keepTheRest(event, range);
        }
        remove(range.iova(), range.size());
        sync(range.iova(), range.end());
        expect(range.iova(), KernelView.NOT_MAPPED);
        if (range.size() != PAGE) {
            expect(range.end() - PAGE, KernelView.NOT_MAPPED);
        }
        expectBeside(range.iova(), range.end());
    }

    /** Compares every leaf with what is believed. */
    void compareWhole() {
        WholeComparison comparison = new WholeComparison(live);
        tables.mappings(0, end, comparison);
        if (!comparison.agrees()) {
            counts.violations.add(line, comparison.difference());
        }
    }

    IommuDomain tables() {
        return tables;
    }

    /** Completes every unmap. */
    void finish() {
        unfinished.await(0, end);
    }

    private void sync(long from, long to) {
        long began = times.begin(Operation.SYNC);
        FlushCompletion completion = tables.sync(gather);
        times.end(Operation.SYNC, began);
        unfinished.add(from, to, completion);
    }

    private void mapTables(long iova, long outputAddress, long size) {
        if (unfinished.await(iova, iova + size)) {
            counts.reuseWaits++;
        }
        try {
            long began = times.begin(Operation.MAP);
            tables.map(iova, outputAddress, size, Access.READ_WRITE);
            times.end(Operation.MAP, began);
        } catch (MappingConflictException e) {
            counts.violations.add(
                    line, "nothing is believed to be mapped here, yet: " + e.getMessage());
        }
    }

    /** What was asked for is gone, what the kernel took beside it is still there. */
    private void keepTheRest(TraceEvent event, BelievedRange range) {
        if (partialUnmap == PartialUnmap.SPLIT) {
            counts.overUnmapAvoidedBytes += live.mappedBytes(range.iova(), range.size());
        }
        sync(event.iova, event.iova + event.size);
        expectBeside(event.iova, event.iova + event.size);
    }

    /**
     * Removes a range from the tables and from what is believed; the gather is left to be synced.
     */
    private void remove(long iova, long size) {
        if (size == 0 || partialUnmap != PartialUnmap.SPLIT && removeAcrossLeaves(iova, size)) {
            return;
        }
        long expected = live.remove(iova, size);
        long began = times.begin(Operation.UNMAP);
        long removed = tables.unmap(iova, size, gather);
        times.end(Operation.UNMAP, began);
        expectRemoved(iova, size, expected, removed);
    }

    /** Does a removal that ends inside leaves, without a split; false if it does not. */
    private boolean removeAcrossLeaves(long iova, long size) {
        long from = tables.mappingAt(iova).map(leaf -> leaf.iova()).orElse(iova);
        long rangeEnd = iova + size;
        long to =
                tables.mappingAt(rangeEnd - 1)
                        .map(leaf -> leaf.iova() + leaf.size())
                        .orElse(rangeEnd);
        if (from >= iova && to <= rangeEnd) {
            return false;
        }
        long expected = live.mappedBytes(from, to - from);
        if (partialUnmap == PartialUnmap.REJECT) {
            expectRejection(iova, size);
            expectRemoved(from, to - from, expected, tables.unmap(from, to - from, gather));
        } else {
            expectRemoved(iova, size, expected, tables.unmap(iova, size, gather));
        }
        sync(from, to);
        live.remove(iova, size);
        live.runs(from, to - from, this::mapAgain);
        return true;
    }

    private boolean mapAgain(long iova, long outputAddress, long size) {
        mapTables(iova, outputAddress, size);
        counts.bytesRemapped += size;
        return true;
    }

    private void expectRejection(long iova, long size) {
        try {
            long removed = tables.unmap(iova, size, gather);
            counts.violations.add(
                    line,
                    range(iova, size)
                            + " ends inside a leaf, yet "
                            + hex(removed)
                            + " bytes were unmapped");
        } catch (PartialUnmapException e) {
            counts.rejectedUnmaps++;
        }
    }

    private void expectRemoved(long iova, long size, long expected, long removed) {
        if (removed != expected) {
            counts.violations.add(
                    line,
                    "unmap of "
                            + range(iova, size)
                            + " says "
                            + hex(removed)
                            + " bytes, not "
                            + hex(expected));
        }
    }

    private void expectBeside(long from, long to) {
        if (from > 0) {
            expectAsBelieved(from - PAGE);
        }
        if (to < end) {
            expectAsBelieved(to);
        }
    }

    private void expectAsBelieved(long iova) {
        expect(iova, live.outputAddress(iova));
    }

    private void expect(long iova, long believed) {
        long translated = tables.translate(iova);
        if (translated != believed) {
            counts.violations.add(line, translationDifference(iova, translated, believed));
        }
    }

    private static String translationDifference(long iova, long translated, long believed) {
        return hex(iova) + " translates to " + target(translated) + ", not to " + target(believed);
    }

    private static String target(long outputAddress) {
        return outputAddress == IommuDomain.NOT_MAPPED ? "nothing" : hex(outputAddress);
    }

    private static String range(long iova, long size) {
        return "[" + hex(iova) + ", " + hex(iova + size) + ")";
    }

    private static String hex(long number) {
        return "0x" + Long.toHexString(number);
    }
}
