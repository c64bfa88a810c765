package org.iommu4j.pagetable;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/*
 * What hardware does for a write: it walks, one load a level, from the root or from the lowest table that it has cached; it
 * sets A and D in the leaf by compare-and-exchange, and walks again when that fails; then the write is done. If it has
 * cached a leaf that was dirty, it writes without a look at memory. It keeps all it has seen until it is told to forget:
 * a leaf that lies wholly in a range of an invalidation, and, without the leaf-only hint, tables that overlap one.
 */

/** A device that writes through the tables, with the unit's caches or without. */
final class WritingDevice {

    /** A cached leaf. */
    private record Leaf(long size, boolean dirty) {}

    private final PageTableFormat format;
    private final PhysicalMemory memory;
    private final long root;
    private final boolean caches;
    private final NavigableMap<Long, Leaf> leaves = new TreeMap<>();
    private final Map<Long, Long>[] tables;
    private boolean walking;

    /**
     * Makes a device.
     *
     * @param memory through which it reads tables: observed, if its accesses are steps
     * @param caches true if it keeps what it has seen
     */
    @SuppressWarnings({"unchecked", "rawtypes"}) // an array of maps
    WritingDevice(PageTableFormat format, PhysicalMemory memory, long root, boolean caches) {
        this.format = format;
        this.memory = memory;
        this.root = root;
        this.caches = caches;
        this.tables = new Map[format.levels()];
        for (int level = 0; level < tables.length; level++) {
            tables[level] = new TreeMap<>();
        }
    }

    /** Writes to a page; false if that is refused. */
    boolean write(long iova) {
        walking = true;
        try {
            return isDirty(iova) || walk(iova);
        } finally {
            walking = false;
        }
    }

    /** True while a walk goes on: an invalidation completes only after it. */
    boolean isWalking() {
        return walking;
    }

    private boolean isDirty(long iova) {
        Map.Entry<Long, Leaf> near = leaves.floorEntry(iova);
        return near != null && near.getKey() + near.getValue().size > iova && near.getValue().dirty;
    }

    private boolean walk(long iova) {
        int level = lowestCached(iova);
        long table = level == format.levels() - 1 ? root : tables[level].get(base(iova, level + 1));
        while (true) {
            long slot = table + (iova >>> format.shift(level) & format.entries() - 1) * Long.BYTES;
            long entry = memory.loadAcquire(slot);
            if (!format.isPresent(entry)) {
                return false;
            }
            if (!format.isLeaf(entry, level)) {
                table = format.tableAddress(entry);
                level--;
                if (caches) {
                    tables[level].put(base(iova, level + 1), table);
                }
            } else if (!format.access(entry, level).writable()) {
                return false;
            } else if (mark(slot, entry)) {
                if (caches) {
                    leaves.put(base(iova, level), new Leaf(1L << format.shift(level), true));
                }
                return true;
            } else {
                return walk(iova);
            }
        }
    }

    /** Sets A and D; false if the entry has changed meanwhile. */
    private boolean mark(long slot, long entry) {
        long marked = entry | format.accessedMask() | format.dirtyMask();
        return marked == entry || memory.compareAndExchange(slot, entry, marked) == entry;
    }

    private int lowestCached(long iova) {
        int level = 0;
        while (level < format.levels() - 1 && !tables[level].containsKey(base(iova, level + 1))) {
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
            leaves.entrySet()
                    .removeIf(leaf ->
                            start <= leaf.getKey() && leaf.getKey() + leaf.getValue().size <= end);
            for (int level = 0; gather.structureChanged() && level < tables.length; level++) {
                long span = 1L << format.shift(level + 1);
                tables[level].keySet().removeIf(base -> start < base + span && base < end);
            }
        }
    }

    /** A hash of what it has cached. */
    long hash() {
        long hash = walking ? 1 : 0;
        for (Map.Entry<Long, Leaf> leaf : leaves.entrySet()) {
            hash += Interleaver.mix(leaf.getKey(), leaf.getValue().size);
        }
        for (int level = 0; level < tables.length; level++) {
            for (Map.Entry<Long, Long> table : tables[level].entrySet()) {
                hash += Interleaver.mix(Interleaver.mix(table.getKey(), level), table.getValue());
            }
        }
        return hash;
    }
}
