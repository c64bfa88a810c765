package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicLongArray;
import org.iommu4j.api.IotlbGather;

/*
 * Each emptied table has one slot, by its address. It stays linked while it stands there; one that comes later to the same
 * slot takes its place, and the table that stood there goes, if it is still empty. So at most as many empty tables are
 * linked as there are slots, and a table that is emptied and filled again and again costs one exchange a time.
 */

/**
 * The tables that unmaps left empty: which of them stay for reuse, and how the others go. Any
 * thread may use it.
 */
final class EmptyTables {

    private final Tables tables;
    private final AtomicLongArray slots;
    private final int levelStride;

    EmptyTables(Tables tables, int most) {
        this.tables = tables;
        this.slots = new AtomicLongArray(most);
        this.levelStride = Math.max(1, most / tables.format.levels());
    }

    /** A table came to be empty. The caller holds no guard. */
    void add(long identity, IotlbGather gather) {
        long leaving = identity;
        while (leaving != 0) {
            long evicted =
                    slots.length() == 0 ? leaving : slots.getAndSet(slotOf(leaving), leaving);
            if (evicted == 0 || (evicted == leaving && slots.length() > 0)) {
                return;
            }
            leaving = reclaim(evicted, gather);
        }
    }

    /**
     * Unlinks a table if it is there and empty.
     *
     * @return the identity of its parent, if that came to be empty by it, else 0
     */
    private long reclaim(long identity, IotlbGather gather) {
        int level = tables.guards.levelOf(identity);
        long iova = tables.guards.iovaOf(identity);
        long place = tables.lockTopUnlessClosed(iova, level + 1);
        if (place == Tables.CLOSED) {
            return 0;
        }
        long parent = Tables.tableOf(place);
        long slot = tables.slot(parent, iova, level + 1);
        long entry = Tables.levelOf(place) == level + 1 ? tables.memory.loadPlain(slot) : 0;
        if (!tables.isTable(entry, level + 1)) {
            tables.guards.unlock(parent);
            return 0;
        }
        long table = tables.target(entry);
        tables.lockChild(table, iova, level);
        if (tables.guards.count(table) != 0) {
            tables.guards.unlock(table);
            tables.guards.unlock(parent);
            return 0;
        }
        unlink(slot, table, iova, level, gather);
        long parentIdentity = tables.guards.identity(iova, level + 1);
        int left = tables.guards.count(parent) - 1;
        tables.guards.unlock(parent, parentIdentity, left);
        return left == 0 && level + 1 < tables.rootLevel ? parentIdentity : 0;
    }

    /** Unlinks an empty table; the caller has locked it and its parent. */
    void unlink(long slot, long table, long iova, int level, IotlbGather gather) {
        long span = tables.span(level + 1);
        tables.store(slot, 0);
        tables.settle();
        tables.pending.add(iova, iova + span, gather);
        tables.guards.kill(table);
        tables.unlinked(table);
        gather.addTable(FreedTables.emptied(tables, table));
        gather.addRange(iova, span, tables.span(0));
        gather.markStructureChanged();
    }

    private int slotOf(long identity) {
        int number =
                (int)
                        tables.guards.prefixOf(
                                identity); // of tables that far apart, any two may share a slot
        int place = number + tables.guards.levelOf(identity) * levelStride;
        return (place & Integer.MAX_VALUE) % slots.length();
    }
}
