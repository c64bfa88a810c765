package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.jspecify.annotations.Nullable;

/**
 * Says where a page lies: from the IOTLB, or by a walk that fills it. Any thread may call any
 * method.
 */
final class PageLookup {

    private final TranslationCaches caches;
    private final Iotlb iotlb;
    private final PageWalk pageWalk;
    private final WalkLoads loads;
    private final int largestWidth;
    private final boolean cachingMode;
    private final @Nullable Dice dice;

    PageLookup(
            Capabilities capabilities,
            TranslationCaches caches,
            WalkLoads loads,
            @Nullable Audit audit,
            @Nullable Dice dice) {
        this.caches = caches;
        this.iotlb = caches.iotlb();
        this.pageWalk = new PageWalk(capabilities, loads, caches, audit);
        this.loads = loads;
        this.largestWidth = capabilities.largestWidth();
        this.cachingMode = capabilities.cachingMode();
        this.dice = dice;
    }

    /**
     * Looks up.
     *
     * @param context whose page
     * @param iova an address in it, which the context does not refuse
     * @param wanted what the request wants
     * @param walk for which walk
     * @return what is known of the page, as the walk's {@link Walk#found}; whether it permits what
     *     is wanted is not said
     * @throws Overtaken if an invalidation came since the walk began
     */
    Translation find(Context context, long iova, int wanted, Walk walk) throws Overtaken {
        if (dice != null && dice.oneIn(4)) {
            fetchAhead(context, iova ^ dice.next() >>> 24 + (dice.next() & 31), walk);
        }
        Translation found = walk.found();
        if (iotlb.find(context.domain, context.cachedPasid, iova, found)
                && isEnough(context, found, wanted)
                && (dice == null || dice.oneIn(2))) {
            return found;
        }
        Translation read = read(context, iova, wanted, walk);
        remember(context, read, iova, walk);
        loads.requireCurrent(walk);
        return read;
    }

    /* Where a page does not permit what is wanted, the request may fault at once. But what may be written and was not
     * yet is read again before it is. */
    private static boolean isEnough(Context context, Translation known, int wanted) {
        return (wanted & Translation.WRITE) == 0
                || known.isWritten()
                || known.faultOf(context, wanted) != FaultReason.NONE;
    }

    private Translation read(Context context, long iova, int wanted, Walk walk) throws Overtaken {
        return context.stage.hasTables()
                ? pageWalk.walk(context, iova, wanted, walk)
                : walk.found().itself(iova);
    }

    /* Nobody has asked, so nothing is reported. */
    private void fetchAhead(Context context, long iova, Walk walk) throws Overtaken {
        if (context.refuses(iova, 0, largestWidth) == FaultReason.NONE) {
            remember(context, read(context, iova, 0, walk), iova, walk);
        }
    }

    private void remember(Context context, Translation read, long iova, Walk walk) {
        boolean holdsAbsence = cachingMode && context.stage != Stage.FIRST;
        if (read.fault() == FaultReason.NONE && (read.isPresent() || holdsAbsence)) {
            caches.add(context, iova, cachedPart(read, iova), walk.generation());
        }
    }

    /* A large page may be held whole or in pieces. */
    private Translation cachedPart(Translation read, long iova) {
        if (dice == null || read.shift() == 12 || dice.oneIn(2)) {
            return read;
        }
        return read.fragment(iova, dice.oneIn(2) ? read.shift() - 9 : 12);
    }
}
