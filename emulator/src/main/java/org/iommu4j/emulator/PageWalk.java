package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.jspecify.annotations.Nullable;

/**
 * The way from an address to its page through second-stage tables (VT-d, Second-Stage Paging
 * Entries), beginning where a paging-structure cache knows the furthest. Accessed and dirty bits
 * are not written: legacy mode has none. Any thread may call any method.
 */
final class PageWalk {

    private static final int ENTRIES = 512;
    private static final int ACCESS = Translation.READ | Translation.WRITE;
    private static final long LARGE = 1 << 7;
    private static final long SNOOP = 1 << 11;
    private static final long TRANSIENT = 1L << 62;

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
     * Walks, and remembers the tables on the way.
     *
     * @param context whose tables
     * @param iova an address below the context's width
     * @param walk for which walk
     * @return what the tables say
     * @throws Overtaken if an invalidation came since the walk began
     */
    Translation walk(Context context, long iova, Walk walk) throws Overtaken {
        TablePointer at = start(context, iova);
        while (at.level > 0) {
            if (!at.isPresent()) {
                return Translation.absent(context.domain(), iova, at.root, at.asOf);
            }
            int level = at.level - 1;
            long address =
                    at.table + (iova >>> TablePointer.shift(level) & ENTRIES - 1) * Long.BYTES;
            long entry;
            try {
                entry = loads.load(address, walk);
            } catch (IndexOutOfBoundsException e) {
                return Translation.fault(context.domain(), iova, FaultReason.TABLE_ACCESS, at.root);
            }
            long asOf = audit == null ? 0 : audit.tableRead(at.root, address, entry, at.asOf);
            if (isReserved(entry, level)) {
                return Translation.fault(
                        context.domain(), iova, FaultReason.TABLE_RESERVED, at.root);
            }
            int access = at.access & (int) entry;
            if (isLeaf(entry, level)) {
                return leaf(context, iova, level, entry, access, at.root, asOf);
            }
            at =
                    new TablePointer(
                            context.domain(),
                            iova,
                            level,
                            capabilities.addressIn(entry),
                            access,
                            at.root,
                            asOf);
            remember(at, walk);
        }
        throw new AssertionError("level 0 holds leaves only");
    }

    /* Whatever is known of the lowest table, or else the root. */
    private TablePointer start(Context context, long iova) {
        for (int level = 1; level < context.levels(); level++) {
            TablePointer known = caches.structures().find(context.domain(), iova, level);
            if (known != null) {
                return known;
            }
        }
        return new TablePointer(
                context.domain(),
                iova,
                context.levels(),
                context.root(),
                ACCESS,
                context.root(),
                audit == null ? 0 : audit.moment());
    }

    private void remember(TablePointer pointer, Walk walk) {
        if (pointer.isPresent() || capabilities.cachingMode()) {
            caches.add(pointer, walk.generation());
        }
    }

    private static Translation leaf(
            Context context, long iova, int level, long entry, int access, long root, long asOf) {
        if (access == 0) {
            return Translation.absent(context.domain(), iova, root, asOf);
        }
        int shift = TablePointer.shift(level);
        long base = entry & (1L << 52) - 1 & -1L << shift;
        return Translation.of(context.domain(), iova, shift, base, access, root, asOf);
    }

    /** At the last level everything that is not a table is a leaf, present or not. */
    private static boolean isLeaf(long entry, int level) {
        return level == 0 || (entry & ACCESS) != 0 && (entry & LARGE) != 0;
    }

    /* What is not present is free for software, whatever it holds. */
    private boolean isReserved(long entry, int level) {
        if ((entry & ACCESS) == 0) {
            return false;
        }
        long reserved = capabilities.beyondHostAddress() & (1L << 52) - 1 | TRANSIENT;
        if (isLeaf(entry, level)) {
            if (level > 0 && !capabilities.supportsLeaf(level)) {
                return true;
            }
            reserved |= (1L << TablePointer.shift(level)) - (1L << 12);
            if (!capabilities.snoopControl()) {
                reserved |= SNOOP;
            }
        } else {
            reserved |= SNOOP;
        }
        return (entry & reserved) != 0;
    }
}
