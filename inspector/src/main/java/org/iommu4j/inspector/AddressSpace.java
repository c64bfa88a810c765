package org.iommu4j.inspector;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.walker.PageTableFormat;

/** One set of page tables, and what is in it. Immutable; any thread may read it. */
public final class AddressSpace {

    private static final int LEAF_LEVELS = 3;
    private static final int MAX_HOST_WIDTH = 52;

    private final PhysicalView view;
    private final SpaceKey key;
    private final long[] leaves;
    private final long tablePages;
    private final long accessed;
    private final long dirty;
    private final RunList runs;

    AddressSpace(PhysicalView view, SpaceKey key, SpaceCounts counts) {
        this.view = view;
        this.key = key;
        this.leaves = counts.leaves.clone();
        this.tablePages = counts.tablePages;
        this.accessed = counts.accessed;
        this.dirty = counts.dirty;
        this.runs = counts.runs;
    }

    /** {@return who uses them: the domain and the first device found} */
    public String users() {
        return key.users();
    }

    /** {@return which stage they are} */
    public Translation translation() {
        return key.translation();
    }

    /** {@return how they are read} */
    public PageTableFormat format() {
        return key.format();
    }

    /** {@return the root table's physical address} */
    public long root() {
        return key.root();
    }

    /** {@return how many table pages there are; one that is reached twice counts once} */
    public long tablePages() {
        return tablePages;
    }

    /** {@return how many leaves there are, by their size in bytes} */
    public SortedMap<Long, Long> leaves() {
        SortedMap<Long, Long> bySize = new TreeMap<>();
        for (int level = 0; level < LEAF_LEVELS; level++) {
            bySize.put(1L << key.format().shift(level), leaves[level]);
        }
        return Collections.unmodifiableSortedMap(bySize);
    }

    /** {@return how many bytes are mapped} */
    public long mappedBytes() {
        long bytes = 0;
        for (int level = 0; level < LEAF_LEVELS; level++) {
            bytes += leaves[level] << key.format().shift(level);
        }
        return bytes;
    }

    /** {@return how many leaves have the accessed bit} */
    public long accessed() {
        return accessed;
    }

    /** {@return how many leaves have the dirty bit} */
    public long dirty() {
        return dirty;
    }

    /** {@return runs of contiguous translation, in order of I/O virtual addresses} */
    public List<Run> runs() {
        return runs;
    }

    /** {@return how many runs there was no room to keep; they are the last ones} */
    public long omittedRuns() {
        return runs.omitted();
    }

    /**
     * Walks the tables again, for who wants every leaf.
     *
     * @param visitor sees tables and leaves
     */
    public void walk(TableVisitor visitor) {
        new TableWalker(view, key, MAX_HOST_WIDTH, new TableLedger(), 0, new Findings())
                .walk(visitor);
    }

    @Override
    public String toString() {
        return key.users() + ": " + key.format() + " at " + Hex.of(key.root());
    }
}
