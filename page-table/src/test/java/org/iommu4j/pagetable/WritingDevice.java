package org.iommu4j.pagetable;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/*
 * What hardware does for a request: it walks, one load a level, from the root or from the lowest table that it has cached;
 * it sets the accessed bit of every entry that it goes through, and the dirty bit of a leaf before it writes, by an exchange,
 * and walks again where that fails. If it has cached a leaf that was dirty, it writes without a look at memory. It keeps all
 * it has seen until it is told to forget: a leaf that lies wholly in a range of an invalidation, and, without the leaf-only
 * hint, tables that overlap one.
 */

/** A device whose requests go through the tables, with the unit's caches or without. */
final class WritingDevice {

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private final long root;
    private final boolean caches;
    private final Cache[] cached;
    private boolean walking;

    /**
     * What is cached of one level: whether a leaf was dirty, and where a table below an entry is.
     */
    private record Cache(Map<Long, Boolean> leaves, Map<Long, Long> tables) {}

    /**
     * Makes a device.
     *
     * @param memory through which it reads tables: observed, if its accesses are steps
     * @param caches true if it keeps what it has seen
     */
    WritingDevice(PageTableFormat format, PhysicalMemory memory, long root, boolean caches) {
        this.format = format;
        this.memory = memory;
        this.root = root;
        this.caches = caches;
        this.cached =
                IntStream.range(0, format.levels())
                        .mapToObj(level -> new Cache(new HashMap<>(), new HashMap<>()))
                        .toArray(Cache[]::new);
    }

    /** Writes to a page; false if that is refused. */
    boolean write(long iova) {
        return use(iova, true) != 0;
    }

    /**
     * Makes one request.
     *
     * @param write true for a write
     * @return the bits that stand in the leaf because of it; 0 if it is refused
     */
    long use(long iova, boolean write) {
        long bits = format.accessedMask() | (write ? format.dirtyMask() : 0);
        walking = true;
        try {
            return isCached(iova, write) || walk(iova, write, bits) ? bits : 0;
        } finally {
            walking = false;
        }
    }

    /** True while a walk goes on: an invalidation completes only after it. */
    boolean isWalking() {
        return walking;
    }

    /** True if a request may make no access to memory. */
    boolean keepsWhatItSees() {
        return caches;
    }

    private boolean isCached(long iova, boolean write) {
        for (int level = 0; level < cached.length; level++) {
            Boolean dirty = cached[level].leaves.get(base(iova, level));
            if (dirty != null && (dirty || !write)) {
                return true;
            }
        }
        return false;
    }

    private boolean walk(long iova, boolean write, long bits) {
        int level = lowestCached(iova);
        long table = root;
        if (level < cached.length - 1) {
            table = cached[level + 1].tables.get(base(iova, level + 1));
        }
        while (true) {
            long slot =
                    table + (iova >>> format.shift(level) & (format.entries() - 1)) * Long.BYTES;
            long entry = memory.loadAcquire(slot);
            if (!format.isPresent(entry)) {
                return false;
            }
            boolean leaf = format.isLeaf(entry, level);
            if (leaf && write && !format.access(entry, level).writable()) {
                return false;
            }
            if (!marked(slot, entry, leaf ? bits : format.accessedMask())) {
                return walk(iova, write, bits);
            }
            if (leaf) {
                remember(iova, level, write || (entry & format.dirtyMask()) != 0);
                return true;
            }
            table = format.tableAddress(entry);
            if (caches) {
                cached[level].tables.put(base(iova, level), table);
            }
            level--;
        }
    }

    private void remember(long iova, int level, boolean dirty) {
        if (caches) {
            cached[level].leaves.merge(base(iova, level), dirty, Boolean::logicalOr);
        }
    }

    private boolean marked(long slot, long entry, long bits) {
        return (entry & bits) == bits
                || memory.compareAndExchange(slot, entry, entry | bits) == entry;
    }

    /** The level of the lowest table that is known without a walk. */
    private int lowestCached(long iova) {
        int level = 0;
        while (level < cached.length - 1
                && !cached[level + 1].tables.containsKey(base(iova, level + 1))) {
            level++;
        }
        return level;
    }

    private long base(long iova, int level) {
        return iova & -(1L << format.shift(level));
    }

    /** An invalidation of what a gather holds is being done. */
    void invalidate(IotlbGather gather) {
        for (int i = 0; i < gather.rangeCount(); i++) {
            long start = gather.rangeStart(i);
            long end = gather.rangeEnd(i);
            for (int level = 0; level < cached.length; level++) {
                long span = 1L << format.shift(level);
                cached[level].leaves.keySet().removeIf(base -> start <= base && base + span <= end);
                if (gather.structureChanged()) {
                    cached[level]
                            .tables
                            .keySet()
                            .removeIf(base -> start < base + span && base < end);
                }
            }
        }
    }

    /** A hash of what it has cached. */
    long hash() {
        long hash = walking ? 1 : 0;
        for (int level = 0; level < cached.length; level++) {
            for (Map.Entry<Long, Boolean> leaf : cached[level].leaves.entrySet()) {
                long state = level * 2L + (leaf.getValue() ? 1 : 0);
                hash += Interleaver.mix(leaf.getKey(), state);
            }
            for (Map.Entry<Long, Long> table : cached[level].tables.entrySet()) {
                hash += Interleaver.mix(Interleaver.mix(table.getKey(), level), table.getValue());
            }
        }
        return hash;
    }
}
