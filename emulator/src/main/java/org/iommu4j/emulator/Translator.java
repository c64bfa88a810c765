package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;
import org.iommu4j.machine.SourceId;
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
    private final ContextCache contexts;
    private final Iotlb iotlb;
    private final SourceLookup sources;
    private final PageLookup pages;
    private final TranslationCaches caches;
    private final InFlight inFlight;
    private final Walk[] walks = new Walk[InFlight.SLOTS];
    private final FaultRecords faults;
    private final int largestWidth;
    private final @Nullable Audit audit;
    private final @Nullable Dice dice;

    /**
     * Puts a translator together.
     *
     * @param capabilities what the unit can do
     * @param commands what of it is on
     * @param sources which tables a request goes through
     * @param pages where a page lies
     * @param caches what is asked before these
     * @param inFlight the requests under way
     * @param faults where faults are recorded
     * @param audit who hears of what is used and what is blocked
     * @param dice decide what is free
     */
    Translator(
            Capabilities capabilities,
            CommandRegister commands,
            SourceLookup sources,
            PageLookup pages,
            TranslationCaches caches,
            InFlight inFlight,
            FaultRecords faults,
            @Nullable Audit audit,
            @Nullable Dice dice) {
        this.commands = commands;
        this.contexts = caches.contexts();
        this.iotlb = caches.iotlb();
        this.sources = sources;
        this.pages = pages;
        this.caches = caches;
        this.inFlight = inFlight;
        this.faults = faults;
        this.largestWidth = capabilities.largestWidth();
        this.audit = audit;
        this.dice = dice;
        for (int i = 0; i < walks.length; i++) {
            walks[i] = new Walk(InFlight.slot(i));
        }
    }

    /**
     * Translates.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     SourceId#NO_PASID}
     * @param iova I/O virtual address; the request does not leave its page of 4 KiB
     * @param wanted what the request wants: the bits of {@link Translation}
     * @param slot the request's slot
     * @param begun the moment when the request began, for the audit
     * @return the physical address, or the complement of a reason code
     */
    long translate(int source, int pasid, long iova, int wanted, int slot, long begun) {
        if (isInterrupt(iova) && pasid == SourceId.NO_PASID) {
            return NOWHERE;
        }
        if (!commands.isTranslating()) {
            return iova < 0 || pasid != SourceId.NO_PASID ? NOWHERE : iova;
        }
        Context context = contexts.find(source, pasid);
        if (context != null && iova >= 0 && iova < context.end) {
            long physical =
                    audit == null && dice == null
                            ? iotlb.physical(context.domain, context.cachedPasid, iova, wanted)
                            : watched(context, pasid, iova, wanted, slot, begun);
            if (physical >= 0 && !isInterrupt(physical)) {
                return physical;
            }
        }
        return search(source, pasid, iova, wanted, slot, begun);
    }

    /* A hit, negative if it is none, where somebody listens or dice decide. */
    private long watched(Context context, int pasid, long iova, int wanted, int slot, long begun) {
        Translation found = walk(slot).found();
        if (!iotlb.find(context.domain, context.cachedPasid, iova, found)
                || (found.ready() & wanted) != wanted) {
            return TranslationArray.NOT_READY;
        }
        long physical = found.physical(iova);
        if (isInterrupt(physical)) {
            return TranslationArray.NOT_READY;
        }
        if (audit != null) {
            used(audit, context, pasid, found, iova, wanted, begun);
        }
        if (dice != null) {
            dice.dawdle(32);
        }
        return physical;
    }

    /* The long way. Whatever an invalidation overtakes begins again. */
    private long search(int source, int pasid, long iova, int wanted, int slot, long begun) {
        boolean write = (wanted & Translation.WRITE) != 0;
        Walk walk = walk(slot);
        while (true) {
            inFlight.walking(slot);
            walk.begin(caches.generation());
            try {
                Context context = sources.find(source, pasid, walk);
                int code = context.refuses(iova, wanted, largestWidth);
                if (code != FaultReason.NONE) {
                    return block(context, pasid, iova, wanted, code, begun);
                }
                if (context.stage == Stage.LEGACY_PASS_THROUGH) {
                    inFlight.transferring(slot, write);
                    return iova;
                }
                Translation found = pages.find(context, iova, wanted, walk);
                long physical = found.physical(iova);
                code = found.faultOf(context, wanted);
                if (code == FaultReason.NONE && isInterrupt(physical)) {
                    code = context.stage.interruptRange();
                }
                if (code != FaultReason.NONE) {
                    return block(context, pasid, iova, wanted, code, begun);
                }
                if (audit != null) {
                    used(audit, context, pasid, found, iova, wanted, begun);
                }
                inFlight.transferring(slot, write);
                return physical;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Answers a request for a translation. The answer's {@link Translation#ready} is what the
     * device may do there from now on, by itself. What is not there, or does not permit what is
     * wanted, is no fault: nothing is ready. What is wrong with tables is reported, and is the
     * answer's {@link Translation#fault}.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     SourceId#NO_PASID}
     * @param iova I/O virtual address
     * @param wanted what shall be permitted: the bits of {@link Translation}
     * @param slot the request's slot
     * @param begun the moment when the request began, for the audit
     * @return the translation
     */
    Translation translateForDevice(
            int source, int pasid, long iova, int wanted, int slot, long begun) {
        Walk walk = new Walk(slot); // the answer is for longer than the slot
        while (true) {
            inFlight.walking(slot);
            walk.begin(caches.generation());
            try {
                Context context = sources.find(source, pasid, walk);
                int code = refusesDeviceTlb(context);
                if (code == FaultReason.NONE) {
                    code = context.refuses(iova, wanted, largestWidth);
                }
                Translation found =
                        code == FaultReason.NONE
                                ? granted(context, iova, wanted, walk)
                                : walk.found().fault(code, 0);
                if (found.fault() != FaultReason.NONE) {
                    report(context, pasid, iova, wanted, TRANSLATION_REQUEST, found.fault());
                } else if (found.isPresent()) {
                    if (audit != null) {
                        used(audit, context, pasid, found, iova, Translation.READ, begun);
                    }
                }
                if (audit != null && (found.ready() & wanted) != wanted && !context.isFault()) {
                    boolean write = (wanted & Translation.WRITE) != 0;
                    int reason = code == FaultReason.NONE ? context.stage.notPresent(wanted) : code;
                    audit.blocked(source, pasid, context.root, iova, write, reason, begun);
                }
                return found;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    /* As much of what is wanted as tables permit: a page that must not be written may be read. */
    private Translation granted(Context context, long iova, int wanted, Walk walk)
            throws Overtaken {
        Translation found = pages.find(context, iova, wanted, walk);
        int code = found.faultOf(context, wanted);
        if (code == context.stage.noWrite() && wanted != Translation.WRITE) {
            return granted(context, iova, wanted & ~Translation.WRITE, walk);
        }
        if (code == FaultReason.NONE && isInterrupt(found.physical(iova))) {
            return found.fault(context.stage.interruptRange(), found.root());
        }
        boolean isRefusal = code != FaultReason.NONE && context.stage.merelyRefuses(code);
        return isRefusal ? found.absent(found.root(), found.asOf()) : found;
    }

    /**
     * Lets a request pass whose address a device has translated, or blocks and reports it.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     SourceId#NO_PASID}
     * @param physical its address
     * @param wanted what the request wants: the bits of {@link Translation}
     * @param slot the request's slot
     * @return the physical address, or the complement of a reason code
     */
    long translated(int source, int pasid, long physical, int wanted, int slot) {
        Context known = contexts.find(source, pasid);
        if (known != null && refusesDeviceTlb(known) == FaultReason.NONE) {
            return physical < 0 || isInterrupt(physical) ? NOWHERE : physical;
        }
        Walk walk = walk(slot);
        while (true) {
            inFlight.walking(slot);
            walk.begin(caches.generation());
            try {
                Context context = sources.find(source, pasid, walk);
                int code = refusesDeviceTlb(context);
                if (code != FaultReason.NONE) {
                    return report(context, pasid, physical, wanted, TRANSLATED, code);
                }
                inFlight.transferring(slot, (wanted & Translation.WRITE) != 0);
                return physical < 0 || isInterrupt(physical) ? NOWHERE : physical;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Lets a page request pass, or blocks and reports it; what is cached of its page is forgotten.
     *
     * @param request the request
     * @param slot its slot
     * @return true if software may be asked
     */
    boolean admits(PageRequest request, int slot) {
        int pasid = request.pasid();
        Walk walk = walk(slot);
        while (true) {
            inFlight.walking(slot);
            walk.begin(caches.generation());
            try {
                Context context = sources.find(request.requester(), pasid, walk);
                int code = refusesPageRequests(context);
                if (code != FaultReason.NONE) {
                    report(context, pasid, request.iova(), request.access(), UNTRANSLATED, code);
                    return false;
                }
                if (!request.isStopMarker()) {
                    caches.forgetPage(context, request.iova());
                }
                return true;
            } catch (Overtaken e) {
                Thread.onSpinWait();
            }
        }
    }

    private Walk walk(int slot) {
        return walks[InFlight.index(slot)];
    }

    private static int refusesPageRequests(Context context) {
        if (context.isFault() || context.is(Context.PAGE_REQUESTS)) {
            return context.fault;
        }
        return context.stage.isLegacy()
                ? FaultReason.PAGE_REQUEST_IN_LEGACY_MODE
                : FaultReason.PAGE_REQUESTS_OFF;
    }

    private static int refusesDeviceTlb(Context context) {
        if (context.isFault() || context.is(Context.DEVICE_TLB)) {
            return context.fault;
        }
        return context.stage.isLegacy() ? FaultReason.TRANSLATION_TYPE : FaultReason.DEVICE_TLB_OFF;
    }

    private static boolean isInterrupt(long address) {
        return address >>> INTERRUPT_SHIFT == INTERRUPTS;
    }

    /* Asked for where somebody listens only: a hit does not pay for the call. */
    private static void used(
            Audit audit,
            Context context,
            int pasid,
            Translation found,
            long iova,
            int wanted,
            long begun) {
        boolean write = (wanted & Translation.WRITE) != 0;
        audit.used(
                context.source,
                pasid,
                context.root,
                found.root(),
                iova,
                write,
                found.asOf(),
                begun);
    }

    private long block(Context context, int pasid, long iova, int wanted, int code, long begun) {
        if (audit != null && !context.isFault()) {
            boolean write = (wanted & Translation.WRITE) != 0;
            audit.blocked(context.source, pasid, context.root, iova, write, code, begun);
        }
        return report(context, pasid, iova, wanted, UNTRANSLATED, code);
    }

    private long report(Context context, int pasid, long iova, int wanted, int type, int code) {
        if (!context.is(Context.SILENT)) {
            faults.record(context.source, pasid, iova, wanted, type, code);
        }
        return ~(long) code;
    }
}
