package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/*
 * Hardware at its worst: it caches every leaf and every table entry that it can come to see, as soon as it can, also by way
 * of table entries it has cached, and forgets only what it must. It must forget a cached leaf whose whole span lies in one
 * of the ranges of an invalidation, and, if that comes without the leaf-only hint, cached table entries that overlap one.
 */

/** A unit that snoops, with an IOTLB and a paging-structure cache without end. */
final class CachingHardware {

    /** Something cached. {@code target} is the output address of a leaf, or the table. */
    private record Cached(int level, boolean leaf, long base, long target) {}

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private final long root;
    private final Set<Cached> cache = new LinkedHashSet<>();
    private long hash;

    CachingHardware(PageTableFormat format, PhysicalMemory memory, long root) {
        this.format = format;
        this.memory = memory.unobserved();
        this.root = root;
    }

    /** Caches all there is to see. */
    void look() {
        see(root, format.levels() - 1, 0);
        for (Cached cached : cache.toArray(Cached[]::new)) {
            if (!cached.leaf) {
                see(cached.target, cached.level - 1, cached.base);
            }
        }
    }

    private void see(long table, int level, long base) {
        for (int i = 0; i < format.entries(); i++) {
            long entry = memory.loadAcquire(table + (long) i * Long.BYTES);
            if (format.isPresent(entry)) {
                boolean leaf = format.isLeaf(entry, level);
                long target =
                        leaf ? format.outputAddress(entry, level) : format.tableAddress(entry);
                Cached seen = new Cached(level, leaf, base + i * span(level), target);
                if (cache.add(seen)) {
                    hash += hash(seen);
                    if (!leaf) {
                        see(target, level - 1, seen.base);
                    }
                }
            }
        }
    }

    /** An invalidation of what a gather holds has been done. */
    void invalidate(IotlbGather gather) {
        cache.removeIf(cached -> {
            boolean gone = false;
            for (int i = 0; i < gather.rangeCount(); i++) {
                long end = cached.base + span(cached.level);
                gone |=
                        cached.leaf
                                ? gather.rangeStart(i) <= cached.base && end <= gather.rangeEnd(i)
                                : gather.structureChanged()
                                        && gather.rangeStart(i) < end
                                        && cached.base < gather.rangeEnd(i);
            }
            hash -= gone ? hash(cached) : 0;
            return gone;
        });
        look();
    }

    /** Every output address that a page may still be translated to. */
    List<Long> outputs(long iova) {
        List<Long> outputs = new ArrayList<>();
        for (Cached cached : cache) {
            if (cached.leaf && cached.base <= iova && iova < cached.base + span(cached.level)) {
                outputs.add(cached.target + iova - cached.base);
            }
        }
        return outputs;
    }

    /** Whether a page may still be walked as a table. */
    boolean knowsTable(long page) {
        return cache.stream().anyMatch(cached -> !cached.leaf && cached.target == page);
    }

    long hash() {
        return hash;
    }

    private long span(int level) {
        return 1L << format.shift(level);
    }

    private static long hash(Cached cached) {
        long place = Interleaver.mix(cached.level << 1 | (cached.leaf ? 1 : 0), cached.base);
        return Interleaver.mix(place, cached.target);
    }
}
