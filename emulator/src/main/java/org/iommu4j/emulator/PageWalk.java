package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.jspecify.annotations.Nullable;

/**
 * The way from an address to its page through page tables (VT-d, First-Stage and Second-Stage
 * Translation), beginning where a paging-structure cache knows the furthest. Any thread may call
 * any method.
 */
final class PageWalk {

    private static final int EVERYTHING =
            Translation.READ | Translation.WRITE | Translation.EXECUTE | Translation.USER;

    private final Capabilities capabilities;
    private final WalkLoads loads;
    private final TranslationCaches caches;
    private final @Nullable Audit audit;

    PageWalk(
            Capabilities capabilities,
            WalkLoads loads,
            TranslationCaches caches,
            @Nullable Audit audit) {
        this.capabilities = capabilities;
        this.loads = loads;
        this.caches = caches;
        this.audit = audit;
    }

    /**
     * Walks, and remembers the tables on the way. Where the context has accessed and dirty bits,
     * they are set by the time this returns: accessed on the whole way, dirty if the request wants
     * to write and may. Such a walk that leads to a page which does not permit what is wanted sets
     * nothing there, and comes to a fault.
     *
     * @param context whose tables
     * @param iova an address that the context does not refuse
     * @param wanted what the request wants; 0 if nobody asks, and then no page becomes dirty
     * @param walk for which walk
     * @return what the tables say, as the walk's {@link Walk#found}
     * @throws Overtaken if an invalidation came since the walk began
     */
    Translation walk(Context context, long iova, int wanted, Walk walk) throws Overtaken {
        while (true) {
            Translation found = attempt(context, iova, wanted, walk);
            if (found != null) {
                return found;
            }
        }
    }

    /* Null if an entry changed before a bit could be set in it. */
    private @Nullable Translation attempt(Context context, long iova, int wanted, Walk walk)
            throws Overtaken {
        Stage stage = context.stage;
        EntryFormat format = stage.entries();
        TablePointer at = start(context, iova);
        while (at.level > 0) {
            if (!at.isPresent()) {
                return walk.found().absent(at.root, at.asOf);
            }
            int level = at.level - 1;
            long address = EntryFormat.slot(at.table, iova, level);
            long entry;
            try {
                entry = loads.load(context, address, walk);
            } catch (IndexOutOfBoundsException e) {
                int code = stage.tableAccess(at.level == context.levels);
                return walk.found().fault(code, at.root);
            }
            long asOf = asOf(context, at, address, entry);
            if (format.isReserved(entry, level, capabilities)) {
                return walk.found().fault(stage.tableReserved(), at.root);
            }
            int access = at.access & format.access(entry);
            boolean isLeaf = level == 0 || format.isLeaf(entry, level);
            long missing = missing(context, format, entry, access, isLeaf, wanted);
            if (missing != 0) {
                if (!context.is(Context.SNOOPED)) {
                    return walk.found().fault(stage.notUpdated(), at.root);
                }
                if (!loads.set(context, address, entry, missing, walk)) {
                    return null;
                }
            }
            if (isLeaf) {
                long read = entry | missing;
                return leaf(walk.found(), context, level, read, access, wanted, at.root, asOf);
            }
            long table = capabilities.addressIn(entry);
            at = new TablePointer(context, iova, level, table, access, at.root, asOf);
            remember(context, at, walk);
        }
        throw new AssertionError("level 0 holds leaves only");
    }

    /* Whatever is known of the lowest table, or else the root. */
    private TablePointer start(Context context, long iova) {
        for (int level = 1; level < context.levels; level++) {
            TablePointer known = caches.structures().find(context, iova, level);
            if (known != null) {
                return known;
            }
        }
        return new TablePointer(
                context,
                iova,
                context.levels,
                context.root,
                EVERYTHING,
                context.root,
                audit == null ? 0 : audit.moment());
    }

    private long asOf(Context context, TablePointer at, long address, long entry) {
        return audit == null
                ? 0
                : audit.tableRead(at.root, address, entry, at.asOf, loads.lag(context));
    }

    /* The accessed and dirty bits that this request sets in an entry. */
    private static long missing(
            Context context,
            EntryFormat format,
            long entry,
            int access,
            boolean isLeaf,
            int wanted) {
        if (!context.is(Context.ACCESSED_DIRTY) || access == 0) {
            return 0;
        }
        if (!isLeaf) {
            return format.accessed & ~entry;
        }
        if (Translation.faultOf(context, access, wanted) != FaultReason.NONE && wanted != 0) {
            return 0;
        }
        boolean writes = (wanted & Translation.WRITE) != 0;
        return (format.accessed | (writes ? format.dirty : 0)) & ~entry;
    }

    private void remember(Context context, TablePointer pointer, Walk walk) {
        if (pointer.isPresent() || capabilities.cachingMode() && context.stage != Stage.FIRST) {
            caches.add(pointer, walk.generation());
        }
    }

    private static Translation leaf(
            Translation found,
            Context context,
            int level,
            long entry,
            int access,
            int wanted,
            long root,
            long asOf) {
        if (access == 0) {
            return found.absent(root, asOf);
        }
        boolean hasBits = context.is(Context.ACCESSED_DIRTY);
        int code = Translation.faultOf(context, access, wanted);
        if (hasBits && code != FaultReason.NONE && wanted != 0) {
            return found.fault(code, root);
        }
        int shift = TablePointer.shift(level);
        long base = EntryFormat.page(entry, level);
        boolean written = !hasBits || context.stage.entries().isDirty(entry);
        return found.page(shift, base, access, written, root, asOf);
    }
}
