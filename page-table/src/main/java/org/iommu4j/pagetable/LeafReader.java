package org.iommu4j.pagetable;

import java.lang.invoke.VarHandle;
import org.iommu4j.api.Access;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.walker.PageTableFormat;

/**
 * Finds what decides an address, without a guard: a cursor of one thread.
 *
 * <p>A walk may meet a page that was freed and reused under it. The epoch of the address tells, and
 * it walks again.
 */
final class LeafReader {

    private final Tables tables;
    private final PageTableFormat format;
    private long entry;
    private int level;
    private long lastAttributes;
    private int lastLevel = -1;
    private Access lastAccess = Access.READ;

    LeafReader(Tables tables) {
        this.tables = tables;
        this.format = tables.format;
    }

    /**
     * Moves to the entry that decides an address.
     *
     * @return true if it is a leaf
     * @throws IllegalStateException if the tables are closed
     */
    boolean find(long iova) {
        while (true) {
            long epoch = tables.epochs.at(iova);
            boolean arrived = walk(iova);
            if (unchanged(tables, iova, epoch)) {
                if (!arrived) {
                    throw spoilt(iova);
                }
                return tables.isPresent(entry);
            }
            tables.memory.spin();
        }
    }

    /** Visits the leaves that touch a range, in ascending order, until the visitor has enough. */
    void visit(long iova, long size, MappingVisitor visitor) {
        long at = iova;
        while (at < iova + size) {
            boolean leaf = find(at);
            long next = start(at) + span();
            if (leaf && !visitor.leaf(start(at), output(), span(), access())) {
                return;
            }
            at = next;
        }
    }

    /** The first address that the entry decides. */
    long start(long iova) {
        return iova & -span();
    }

    /** How many bytes the entry decides. */
    long span() {
        return tables.span(level);
    }

    /** What the first of those bytes translates to. */
    long output() {
        return format.outputAddress(entry, level);
    }

    /** The leaf, after {@link #find} of this address returned true. */
    Mapping mapping(long iova) {
        return new Mapping(start(iova), output(), span(), access());
    }

    Access access() {
        long attributes =
                entry
                        & ~format.leafAddressMask(level)
                        & ~format.accessedMask()
                        & ~format.dirtyMask();
        if (attributes != lastAttributes || level != lastLevel) {
            lastAccess = format.access(entry, level);
            lastAttributes = attributes;
            lastLevel = level;
        }
        return lastAccess;
    }

    /** Walks to the entry that decides; false if a reused page led out of the memory. */
    private boolean walk(long iova) {
        long table = tables.root;
        for (level = tables.rootLevel; ; level--) {
            entry = tables.memory.loadPlain(tables.slot(table, iova, level));
            if (!tables.isTable(entry, level)) {
                return true;
            }
            table = tables.target(entry);
            if (!tables.memory.containsPage(table)) {
                return false;
            }
        }
    }

    private static boolean unchanged(Tables tables, long iova, long epoch) {
        if (Epochs.isClosed(epoch)) {
            throw Tables.closedException();
        }
        VarHandle.loadLoadFence();
        return tables.epochs.at(iova) == epoch;
    }

    static IllegalStateException spoilt(long iova) {
        return new IllegalStateException(
                "the tables for 0x"
                        + Long.toHexString(iova)
                        + " point outside of the memory: they were changed from outside");
    }
}
