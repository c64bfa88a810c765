package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.jspecify.annotations.Nullable;

/**
 * Says where a request goes in memory, or blocks and reports it: caches first, then tables. Any
 * thread may call any method.
 *
 * <p>An address is physical memory's if it is not negative; a negative result is the complement of
 * a reason code.
 */
final class Translator {

    /** A request is blocked, and no reason is reported: there is no memory to be reached. */
    static final long NOWHERE = ~0L;

    /** The address type of a usual request. */
    static final int UNTRANSLATED = 0;

    /* Writes to this MiB are interrupts, not memory; nothing is translated to it or from it. */
    private static final long INTERRUPTS = 0xfee;
    private static final int INTERRUPT_SHIFT = 20;

    private final CommandRegister commands;
    private final RootPointer rootPointer;
    private final TranslationCaches caches;
    private final ContextCache contexts;
    private final Iotlb iotlb;
    private final SourceWalk sourceWalk;
    private final PageWalk pageWalk;
    private final WalkLoads loads;
    private final InFlight inFlight;
    private final FaultRecords faults;
    private final boolean cachingMode;
    private final @Nullable Audit audit;
    private final @Nullable Dice dice;

    Translator(
            Capabilities capabilities,
            CommandRegister commands,
            RootPointer rootPointer,
            TranslationCaches caches,
            WalkLoads loads,
            InFlight inFlight,
            FaultRecords faults,
            @Nullable Audit audit,
            @Nullable Dice dice) {
        this.commands = commands;
        this.rootPointer = rootPointer;
        this.caches = caches;
        this.contexts = caches.contexts();
        this.iotlb = caches.iotlb();
        this.sourceWalk = new SourceWalk(capabilities, loads);
        this.pageWalk = new PageWalk(capabilities, loads, caches, audit);
        this.loads = loads;
        this.inFlight = inFlight;
        this.faults = faults;
        this.cachingMode = capabilities.cachingMode();
        this.audit = audit;
        this.dice = dice;
    }

    /**
     * Translates.
     *
     * @param source requester id
     * @param iova I/O virtual address; the request does not leave its page of 4 KiB
     * @param wanted {@link Translation#READ} and {@link Translation#WRITE}
     * @param slot the request's slot
     * @param begun the moment when the request began, for the audit
     * @return the physical address, or the complement of a reason code
     */
    long translate(int source, long iova, int wanted, int slot, long begun) {
        if (iova >>> INTERRUPT_SHIFT == INTERRUPTS) {
            return NOWHERE;
        }
        if (!commands.isTranslating()) {
            return iova < 0 ? NOWHERE : iova;
        }
        Context context = contexts.find(source);
        if (context != null && iova >>> context.width() == 0 && !context.passThrough()) {
            Translation found = iotlb.find(context.domain(), iova);
            if (found != null && (found.access & wanted) == wanted) {
                long physical = found.physical(iova);
                if (physical >>> INTERRUPT_SHIFT != INTERRUPTS) {
                    if (audit != null) {
                        audit.used(source, context.root(), found.root, iova, found.asOf, begun);
                    }
                    if (dice != null) {
                        dawdle(dice);
                    }
                    return physical;
                }
            }
        }
        return search(source, iova, wanted, slot, begun);
    }

    /**
     * Handles a request that a device sends as translated, or as a request for a translation. No
     * unit here has device TLBs, so it is blocked.
     *
     * @param type its address type
     * @return the complement of a reason code
     */
    long translateForDevice(int source, long iova, boolean write, int type, int slot) {
        while (true) {
            inFlight.walking(slot);
            Walk walk = new Walk(slot, caches.generation());
            try {
                Context context = context(source, walk);
                int code = context.isFault() ? context.fault() : FaultReason.TRANSLATION_TYPE;
                return report(context, iova, write, type, code);
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    /* The long way. Whatever an invalidation overtakes begins again. */
    private long search(int source, long iova, int wanted, int slot, long begun) {
        boolean write = (wanted & Translation.WRITE) != 0;
        while (true) {
            inFlight.walking(slot);
            Walk walk = new Walk(slot, caches.generation());
            try {
                Context context = context(source, walk);
                if (context.isFault()) {
                    return report(context, iova, write, UNTRANSLATED, context.fault());
                }
                if (iova >>> context.width() != 0) {
                    return block(context, iova, write, FaultReason.BEYOND_WIDTH, begun);
                }
                if (context.passThrough()) {
                    inFlight.transferring(slot, write);
                    return iova;
                }
                Translation found = translation(context, iova, walk);
                long physical = found.physical(iova);
                int code = found.faultOf(wanted);
                if (code == FaultReason.NONE && physical >>> INTERRUPT_SHIFT == INTERRUPTS) {
                    code = FaultReason.INTERRUPT_RANGE;
                }
                if (code != FaultReason.NONE) {
                    return block(context, iova, write, code, begun);
                }
                if (audit != null) {
                    audit.used(source, context.root(), found.root, iova, found.asOf, begun);
                }
                inFlight.transferring(slot, write);
                return physical;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    private Context context(int source, Walk walk) throws Overtaken {
        Context known = contexts.find(source);
        if (known != null) {
            return known;
        }
        Context read = sourceWalk.walk(rootPointer.current(), source, walk);
        if (audit != null && !read.isFault() && !read.passThrough()) {
            audit.tables(read.root(), read.levels());
        }
        if (!read.isFault() || cachingMode && read.isAbsent()) {
            caches.add(read, walk.generation());
        }
        loads.requireCurrent(walk);
        return read;
    }

    private Translation translation(Context context, long iova, Walk walk) throws Overtaken {
        if (dice != null && dice.oneIn(4)) {
            fetchAhead(context, iova ^ dice.next() >>> 24 + (dice.next() & 31), walk);
        }
        Translation known = iotlb.find(context.domain(), iova);
        if (known != null && (dice == null || dice.oneIn(2))) {
            return known;
        }
        Translation read = pageWalk.walk(context, iova, walk);
        remember(read, iova, walk);
        loads.requireCurrent(walk);
        return read;
    }

    /* Nobody has asked, so nothing is reported. */
    private void fetchAhead(Context context, long iova, Walk walk) throws Overtaken {
        if (iova >>> context.width() == 0) {
            remember(pageWalk.walk(context, iova, walk), iova, walk);
        }
    }

    private void remember(Translation read, long iova, Walk walk) {
        boolean isCached = read.fault == FaultReason.NONE && (read.isPresent() || cachingMode);
        if (!isCached) {
            return;
        }
        caches.add(cachedPart(read, iova), walk.generation());
    }

    /* A large page may be held whole or in pieces. */
    private Translation cachedPart(Translation read, long iova) {
        if (dice == null || read.shift == 12 || dice.oneIn(2)) {
            return read;
        }
        return read.fragment(iova, dice.oneIn(2) ? read.shift - 9 : 12);
    }

    /* Between the translation and the transfer any time may pass. */
    private static void dawdle(Dice dice) {
        if (dice.oneIn(32)) {
            for (long spins = dice.next() & 1023; spins > 0; spins--) {
                Thread.onSpinWait();
            }
        }
    }

    private long block(Context context, long iova, boolean write, int code, long begun) {
        if (audit != null) {
            audit.blocked(context.source(), context.root(), iova, write, code, begun);
        }
        return report(context, iova, write, UNTRANSLATED, code);
    }

    private long report(Context context, long iova, boolean write, int type, int code) {
        if (!context.silent()) {
            faults.record(context.source(), iova, write, type, code);
        }
        return ~(long) code;
    }
}
