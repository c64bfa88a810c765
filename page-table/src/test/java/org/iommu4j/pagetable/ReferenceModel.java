package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.walker.PageTableFormat;

/**
 * What a domain must look like from outside, without page tables: a sorted map of runs, each a
 * number of neighbouring leaves of one size that translate linearly.
 *
 * <p>It knows where leaves end, because what happens to a leaf that is covered in part depends on
 * it. It does no argument checks: those who use it know what is legal.
 */
final class ReferenceModel {

    /** Leaves of one size side by side; keyed by where the first begins. */
    private record Run(long end, long output, long pageSize, Access access) {

        Run from(long start, long newStart) {
            return new Run(end, output + newStart - start, pageSize, access);
        }

        Run until(long newEnd) {
            return new Run(newEnd, output, pageSize, access);
        }

        Run split(long smallerSize) {
            return new Run(end, output, smallerSize, access);
        }
    }

    private final NavigableMap<Long, Run> runs = new TreeMap<>();
    private final PageTableFormat format;
    private final long[] sizes;
    private final int addressWidth;
    private long splits;
    private long merged;

    ReferenceModel(PageTableFormat format, DomainOptions options) {
        this.format = format;
        long wanted = options.pageSizes() == 0 ? format.pageSizes() : options.pageSizes();
        this.sizes =
                Long.bitCount(wanted) == 0 ? new long[0] : descending(wanted & format.pageSizes());
        this.addressWidth =
                options.addressWidth() == 0 ? format.addressWidth() : options.addressWidth();
    }

    private static long[] descending(long sizes) {
        long[] each = new long[Long.bitCount(sizes)];
        for (int i = 0; i < each.length; i++) {
            each[i] = Long.highestOneBit(sizes);
            sizes ^= each[i];
        }
        return each;
    }

    /** The page sizes in use, largest first. */
    long[] sizes() {
        return sizes.clone();
    }

    /** The first byte that is beyond the domain. */
    long limit() {
        return 1L << addressWidth;
    }

    /** Maps, unless something is there. */
    boolean map(long iova, long output, long size, Access access) {
        if (firstIn(iova, size).isPresent()) {
            return false;
        }
        long end = iova + size;
        long at = iova;
        while (at < end) {
            long out = output + at - iova;
            long pageSize = largest(at, out, end - at);
            long runEnd = at;
            while (runEnd < end
                    && largest(runEnd, output + runEnd - iova, end - runEnd) == pageSize) {
                runEnd += pageSize;
            }
            runs.put(at, new Run(runEnd, out, pageSize, access));
            at = runEnd;
        }
        return true;
    }

    private long largest(long iova, long output, long size) {
        for (long pageSize : sizes) {
            if (((iova | output) & (pageSize - 1)) == 0 && pageSize <= size) {
                return pageSize;
            }
        }
        throw new AssertionError("no page size fits");
    }

    /** Unmaps exactly the range, splitting what it covers in part; returns how many bytes went. */
    long unmapSplitting(long iova, long size) {
        cut(iova, size);
        return remove(iova, iova + size);
    }

    /** Unmaps all leaves that the range touches; returns how many bytes went. */
    long unmapWidening(long iova, long size) {
        long start = leafAt(iova).map(Mapping::iova).orElse(iova);
        long end =
                leafAt(iova + size - 1).map(leaf -> leaf.iova() + leaf.size()).orElse(iova + size);
        return remove(start, end);
    }

    private long remove(long start, long end) {
        isolate(start);
        isolate(end);
        NavigableMap<Long, Run> gone = runs.subMap(start, true, end, false);
        long bytes = 0;
        for (Map.Entry<Long, Run> run : gone.entrySet()) {
            bytes += run.getValue().end - run.getKey();
        }
        gone.clear();
        return bytes;
    }

    /** Whether a range covers a leaf only in part. */
    boolean isPartial(Mapping leaf, long iova, long size) {
        return leaf.iova() < iova || leaf.iova() + leaf.size() > iova + size;
    }

    /** Whether a range covers any leaf only in part. */
    boolean coversInPart(long iova, long size) {
        return straddles(iova) || straddles(iova + size);
    }

    private boolean straddles(long boundary) {
        return boundary > 0
                && boundary < limit()
                && leafAt(boundary).filter(leaf -> leaf.iova() < boundary).isPresent();
    }

    /** Makes both ends of the range leaf boundaries. */
    void cut(long iova, long size) {
        long first = iova < limit() ? leafAt(iova).map(Mapping::iova).orElse(-1L) : -1;
        boolean firstSplits = straddles(iova);
        if (firstSplits) {
            splits++;
        }
        if (straddles(iova + size)) {
            long last = leafAt(iova + size).orElseThrow().iova();
            splits += firstSplits && last == first ? 0 : 1;
        }
        cutAt(iova);
        cutAt(iova + size);
    }

    private void cutAt(long boundary) {
        while (straddles(boundary)) {
            Mapping leaf = leafAt(boundary).orElseThrow();
            isolate(leaf.iova());
            isolate(leaf.iova() + leaf.size());
            runs.compute(leaf.iova(), (start, run) -> run.split(nextSmaller(leaf.size())));
        }
    }

    private long nextSmaller(long pageSize) {
        for (long smaller : sizes) {
            if (smaller < pageSize) {
                return smaller;
            }
        }
        throw new AssertionError("no page size below 0x" + Long.toHexString(pageSize));
    }

    /** Makes a leaf boundary the boundary of a run too. */
    private void isolate(long boundary) {
        Map.Entry<Long, Run> below = runs.lowerEntry(boundary);
        if (below != null && below.getValue().end > boundary) {
            Run run = below.getValue();
            runs.put(below.getKey(), run.until(boundary));
            runs.put(boundary, run.from(below.getKey(), boundary));
        }
    }

    /** Splits all leaves that the range touches and are larger, until none in the range is. */
    void split(long iova, long size, long pageSize) {
        for (boolean first = true; ; first = false) {
            long again = 0;
            for (Mapping leaf : edgesOfLarger(iova, size, pageSize)) {
                isolate(leaf.iova());
                isolate(leaf.iova() + leaf.size());
            }
            for (Map.Entry<Long, Run> run : touching(iova, size).entrySet()) {
                if (run.getValue().pageSize > pageSize) {
                    again += (run.getValue().end - run.getKey()) / run.getValue().pageSize;
                    run.setValue(run.getValue().split(nextSmaller(run.getValue().pageSize)));
                }
            }
            splits += first ? again : 0;
            if (again == 0) {
                return;
            }
        }
    }

    /**
     * Merges the blocks of small leaves that lie in the range and translate linearly, small ones
     * first; returns how many leaves were replaced.
     */
    long coalesce(long iova, long size) {
        long before = merged;
        for (int i = sizes.length - 1; i > 0; i--) {
            long small = sizes[i];
            long large = sizes[i - 1];
            for (long block : blocks(iova, size, small, large)) {
                if (large / small == format.entries() && isLinear(block, small, large)) {
                    isolate(block);
                    isolate(block + large);
                    Run first = runs.get(block);
                    runs.subMap(block, true, block + large, false).clear();
                    runs.put(block, new Run(block + large, first.output, large, first.access));
                    merged += format.entries();
                }
            }
        }
        return merged - before;
    }

    private Iterable<Long> blocks(long iova, long size, long small, long large) {
        TreeSet<Long> blocks = new TreeSet<>();
        touching(iova, size)
                .forEach((start, run) -> {
                    long end = Math.min(run.end, iova + size);
                    for (long at = Math.max(start, iova) & -large; at < end; at += large) {
                        if (run.pageSize == small && at >= iova && at + large <= iova + size) {
                            blocks.add(at);
                        }
                    }
                });
        return blocks;
    }

    private boolean isLinear(long block, long small, long large) {
        long output = translate(block);
        long at = block;
        Optional<Mapping> leaf = leafAt(block);
        boolean linear = (output & large - 1) == 0;
        while (linear && at < block + large && leaf.isPresent()) {
            Map.Entry<Long, Run> run = runs.floorEntry(at);
            linear =
                    run.getValue().end > at
                            && run.getValue().pageSize == small
                            && run.getValue().access.equals(leaf.get().access())
                            && translate(at) == output + at - block;
            at = run.getValue().end;
        }
        return linear && leaf.isPresent();
    }

    private Iterable<Mapping> edgesOfLarger(long iova, long size, long pageSize) {
        ArrayList<Mapping> edges = new ArrayList<>();
        leafAt(iova).filter(leaf -> leaf.size() > pageSize).ifPresent(edges::add);
        leafAt(iova + size - 1).filter(leaf -> leaf.size() > pageSize).ifPresent(edges::add);
        return edges;
    }

    private NavigableMap<Long, Run> touching(long iova, long size) {
        Map.Entry<Long, Run> first = runs.floorEntry(iova);
        long from = first != null && first.getValue().end > iova ? first.getKey() : iova;
        return runs.subMap(from, true, iova + size, false);
    }

    /** The leaf that maps an address. */
    Optional<Mapping> leafAt(long iova) {
        Map.Entry<Long, Run> run = runs.floorEntry(iova);
        if (run == null || run.getValue().end <= iova) {
            return Optional.empty();
        }
        long start = iova & -run.getValue().pageSize;
        return Optional.of(leaf(run.getKey(), run.getValue(), start));
    }

    private static Mapping leaf(long runStart, Run run, long start) {
        return new Mapping(start, run.output + start - runStart, run.pageSize, run.access);
    }

    /** The lowest leaf that touches a range. */
    Optional<Mapping> firstIn(long iova, long size) {
        Optional<Mapping> at = leafAt(iova);
        Map.Entry<Long, Run> next = at.isPresent() ? null : runs.higherEntry(iova);
        return next == null || next.getKey() >= iova + size
                ? at
                : Optional.of(leaf(next.getKey(), next.getValue(), next.getKey()));
    }

    /** Where an address goes, or -1. */
    long translate(long iova) {
        Map.Entry<Long, Run> run = runs.floorEntry(iova);
        return run == null || run.getValue().end <= iova
                ? -1
                : run.getValue().output + iova - run.getKey();
    }

    /** Visits the leaves that touch a range, in ascending order. */
    void mappings(long iova, long size, MappingVisitor visitor) {
        for (Map.Entry<Long, Run> entry : touching(iova, size).entrySet()) {
            Run run = entry.getValue();
            long from = Math.max(entry.getKey(), iova & -run.pageSize);
            for (long at = from; at < Math.min(run.end, iova + size); at += run.pageSize) {
                if (!visitor.leaf(at, run.output + at - entry.getKey(), run.pageSize, run.access)) {
                    return;
                }
            }
        }
    }

    /**
     * How many leaves were replaced by tables; one that fell into three sizes at once counts once.
     */
    long splits() {
        return splits;
    }

    /** How many leaves were replaced by larger ones. */
    long merged() {
        return merged;
    }

    /** How many leaves there are of each page size; sizes without leaves are left out. */
    Map<Long, Long> leaves() {
        Map<Long, Long> counts = new TreeMap<>();
        runs.forEach((start, run) ->
                counts.merge(run.pageSize, (run.end - start) / run.pageSize, Long::sum));
        return counts;
    }

    /** How many tables the format needs for what is mapped, the root included. */
    long leastTables() {
        long tables = format.rootPages();
        for (int level = 0; level < format.levels() - 1; level++) {
            int shift = format.shift(level + 1);
            long last = -1;
            for (Map.Entry<Long, Run> entry : runs.entrySet()) {
                if (entry.getValue().pageSize < 1L << shift) {
                    long from = Math.max(entry.getKey() >>> shift, last + 1);
                    long to = entry.getValue().end - 1 >>> shift;
                    tables += Math.max(0, to - from + 1);
                    last = Math.max(last, to);
                }
            }
        }
        return tables;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        runs.forEach((start, run) ->
                text.append(
                        String.format(
                                "[0x%x, 0x%x) -> 0x%x in 0x%x (%s)%n",
                                start, run.end, run.output, run.pageSize, run.access)));
        return text.toString();
    }
}
