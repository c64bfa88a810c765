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

    /* Address types of requests. */
    private static final int UNTRANSLATED = 0;
    private static final int TRANSLATION_REQUEST = 1;
    private static final int TRANSLATED = 2;

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
     * @param pasid the process address space id that the request carries, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param iova I/O virtual address; the request does not leave its page of 4 KiB
     * @param wanted what the request wants: the bits of {@link Translation}
     * @param slot the request's slot
     * @param begun the moment when the request began, for the audit
     * @return the physical address, or the complement of a reason code
     */
    long translate(int source, int pasid, long iova, int wanted, int slot, long begun) {
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
        return search(source, pasid, iova, wanted, slot, begun);
    }

    /**
     * Answers a request for a translation. What is not there, or does not permit what is wanted, is
     * no fault: the answer's {@link Translation#access} says so. What is wrong with tables is
     * reported, and is the answer's {@link Translation#fault}.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param iova I/O virtual address
     * @param wanted what shall be permitted: the bits of {@link Translation}
     * @param slot the request's slot
     * @param begun the moment when the request began, for the audit
     * @return the translation
     */
    Translation translateForDevice(
            int source, int pasid, long iova, int wanted, int slot, long begun) {
        int code = refusal(source, pasid, iova, wanted, TRANSLATION_REQUEST, slot);
        return Translation.fault(0, iova, code, 0);
    }

    /**
     * Lets a request pass whose address a device has translated, or blocks and reports it.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     org.iommu4j.machine.SourceId#NO_PASID}
     * @param physical its address
     * @param wanted what the request wants: the bits of {@link Translation}
     * @param slot the request's slot
     * @return the physical address, or the complement of a reason code
     */
    long translated(int source, int pasid, long physical, int wanted, int slot) {
        return ~(long) refusal(source, pasid, physical, wanted, TRANSLATED, slot);
    }

    /**
     * Lets a page request pass, or blocks and reports it; what is cached of its page is forgotten.
     *
     * @param request the request
     * @param slot its slot
     * @return true if software may be asked
     */
    boolean admits(PageRequest request, int slot) {
        return slot >= 0 && request.group() >= 0;
    }

    /* No unit here has device TLBs. */
    private int refusal(int source, int pasid, long address, int wanted, int type, int slot) {
        while (true) {
            inFlight.walking(slot);
            Walk walk = new Walk(slot, caches.generation());
            try {
                Context context = context(source, walk);
                int code = context.isFault() ? context.fault() : FaultReason.TRANSLATION_TYPE;
                report(context, pasid, address, wanted, type, code);
                return code;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    /* The long way. Whatever an invalidation overtakes begins again. */
    private long search(int source, int pasid, long iova, int wanted, int slot, long begun) {
        boolean write = (wanted & Translation.WRITE) != 0;
        while (true) {
            inFlight.walking(slot);
            Walk walk = new Walk(slot, caches.generation());
            try {
                Context context = context(source, walk);
                if (context.isFault()) {
                    return report(context, pasid, iova, wanted, UNTRANSLATED, context.fault());
                }
                if (iova >>> context.width() != 0) {
                    return block(context, pasid, iova, wanted, FaultReason.BEYOND_WIDTH, begun);
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
                    return block(context, pasid, iova, wanted, code, begun);
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

    private long block(Context context, int pasid, long iova, int wanted, int code, long begun) {
        if (audit != null) {
            boolean write = (wanted & Translation.WRITE) != 0;
            audit.blocked(context.source(), context.root(), iova, write, code, begun);
        }
        return report(context, pasid, iova, wanted, UNTRANSLATED, code);
    }

    private long report(Context context, int pasid, long iova, int wanted, int type, int code) {
        if (!context.silent()) {
            faults.record(context.source(), pasid, iova, wanted, type, code);
        }
        return ~(long) code;
    }
}
