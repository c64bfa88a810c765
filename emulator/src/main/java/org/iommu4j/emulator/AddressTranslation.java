package org.iommu4j.emulator;

import org.iommu4j.emulator.PageRequestInterface.Answer;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;
import org.jspecify.annotations.Nullable;

/*
 * The TLB of a device has one generation for all address spaces, which every invalidation moves, and the device's
 * requests under way have slots, as in the unit: a request finds what it uses after it claimed its slot, so whoever has
 * dropped an entry and then waits for the slots of older generations knows that nobody uses it. A translation that was
 * asked for in an older generation is not kept: the answer may have crossed the invalidation on its way. A device that
 * waits for a page has no slot; else the wait descriptor in front of the answer would wait for the device.
 */

/**
 * The translation service of a device: its TLB, what it asks the unit for, and its page requests.
 * In <em>drops anything</em> mode it also asks for what it does not need yet.
 *
 * <p>Any thread may call any method.
 */
final class AddressTranslation implements TranslationService {

    /** Something has changed: the device tries again. */
    static final long AGAIN = 0;

    /**
     * There is no translation, and the device does not wait for one: it sends the address as it is.
     */
    static final long UNTRANSLATED = 1;

    /** Software was asked for a page, and has answered that it is there: the device tries again. */
    static final long WAITED = 2;

    private static final int INVALIDATION_QUEUE_DEPTH = 32;
    private static final int MOST_ASKED_AHEAD = 16;
    private static final int PAGES_IN_BLOCK = 512;
    /* Nothing in this MiB is translated. */
    private static final int INTERRUPT_SHIFT = 20;
    private static final long INTERRUPTS = 0xfee;

    private final int requester;
    private final EmulatedUnit unit;
    private final PageRequestInterface pages;
    private final @Nullable Audit audit;
    private final @Nullable Dice dice;
    private final InFlight inFlight = new InFlight();
    private final DeviceTlb tlb;
    private volatile long generation = 1;
    private volatile boolean on;

    /**
     * Makes one that is off.
     *
     * @param requester requester id of the device
     * @param options of the machine
     * @param unit the unit that the device's requests go through
     * @param audit who hears of what it does
     */
    AddressTranslation(
            int requester, EmulatorOptions options, EmulatedUnit unit, @Nullable Audit audit) {
        this.requester = requester;
        this.unit = unit;
        this.audit = audit;
        long seed = options.seed() + requester;
        boolean drops = options.caches() == CacheBehaviour.DROPS_ANYTHING;
        this.dice = drops ? new Dice(seed) : null;
        this.tlb = new DeviceTlb(options, dice);
        this.pages = new PageRequestInterface(requester, unit::receive, drops, new Dice(~seed));
    }

    @Override
    public boolean requestsPages() {
        return true;
    }

    @Override
    public int invalidationQueueDepth() {
        return INVALIDATION_QUEUE_DEPTH;
    }

    @Override
    public void enable(int pageRequests) {
        if (pageRequests < 0) {
            throw new IllegalArgumentException(
                    pageRequests + " page requests without an answer; 0 or more are legal");
        }
        synchronized (this) {
            if (!on && audit != null) {
                audit.pageRequestsEnd(requester, "its device begins anew");
            }
            on = true;
        }
        pages.enable(pageRequests);
    }

    @Override
    public void disable() {
        turnOff(true);
    }

    private void turnOff(boolean marks) {
        long now;
        synchronized (this) {
            on = false;
            tlb.dropAll();
            now = ++generation;
        }
        pages.disable(marks);
        inFlight.await(now, true, true);
    }

    /** {@return true if the device translates for itself} */
    boolean isOn() {
        return on;
    }

    /** {@return what the device has of an address that permits what is wanted, or null} */
    @Nullable Translation find(int pasid, long iova, int wanted) {
        return tlb.find(pasid, iova, wanted);
    }

    /** Begins a request that may use a translation; returns its slot. */
    int begin(boolean write) {
        return inFlight.begin(generation, write);
    }

    /** The request is done. */
    void end(int slot) {
        inFlight.end(slot);
    }

    /** Lets some time pass before the bytes of a request are moved, as it may. */
    void dawdle() {
        if (dice != null) {
            dice.dawdle(32);
        }
    }

    /**
     * Gets a translation into the TLB: asks the unit for it, or else software, and waits then. The
     * caller has no slot.
     *
     * @param pasid the address space
     * @param iova an address whose translation is missing, or too narrow
     * @param wanted {@link Translation#READ} and {@link Translation#WRITE}
     * @param behind how many pages behind it the same DMA will want
     * @return {@link #AGAIN}, {@link #UNTRANSLATED}, {@link #WAITED}, or the complement of a reason
     *     code
     */
    long resolve(int pasid, long iova, int wanted, int behind) {
        boolean isInterrupt = pasid == SourceId.NO_PASID && iova >>> INTERRUPT_SHIFT == INTERRUPTS;
        if (isInterrupt || !unit.isTranslating()) {
            return UNTRANSLATED;
        }
        Translation found;
        int asking = begin(false);
        try {
            if (!on) {
                return UNTRANSLATED;
            }
            found = ask(pasid, iova, wanted);
            if (found.fault() == FaultReason.NONE && (found.ready() & wanted) == wanted) {
                askAhead(pasid, iova);
                return AGAIN;
            }
        } finally {
            end(asking);
        }
        if (found.fault() != FaultReason.NONE) {
            return ~(long) found.fault();
        }
        if (!pages.isOn()) {
            return UNTRANSLATED;
        }
        Answer answer = pages.ask(pasid, iova, wanted, missing(pasid, iova, wanted, behind));
        return answer == Answer.REFUSED ? Translator.NOWHERE : WAITED;
    }

    private Translation ask(int pasid, long iova, int wanted) {
        long asked = generation;
        Translation found = translate(pasid, iova, wanted);
        if (found.fault() == FaultReason.NONE && found.isPresent()) {
            synchronized (this) {
                if (on && asked == generation) {
                    tlb.put(pasid, iova, found);
                }
            }
        }
        return found;
    }

    private Translation translate(int pasid, long iova, int wanted) {
        InFlight atUnit = unit.inFlight();
        int slot = atUnit.begin(unit.caches().generation(), false);
        try {
            long begun = audit == null ? 0 : audit.moment();
            return unit.translator()
                    .translateForDevice(requester, pasid, iova, wanted, slot, begun);
        } finally {
            atUnit.end(slot);
        }
    }

    /* Nobody needs it, so nobody is told if it is not there. */
    private void askAhead(int pasid, long iova) {
        if (dice != null && dice.oneIn(4)) {
            long page = (long) dice.below(PAGES_IN_BLOCK) << PhysicalMemory.PAGE_SHIFT;
            ask(pasid, iova ^ page, Translation.READ);
        }
    }

    /* How many of the pages behind one are missing too, up to the first that is there. */
    private int missing(int pasid, long iova, int wanted, int behind) {
        int count = 0;
        int asking = begin(false);
        try {
            while (on && count < Math.min(behind, MOST_ASKED_AHEAD)) {
                long next = iova + (count + 1L) * PhysicalMemory.PAGE_SIZE;
                Translation found = ask(pasid, next, wanted);
                if (found.fault() != FaultReason.NONE || (found.ready() & wanted) == wanted) {
                    break;
                }
                count++;
            }
        } finally {
            end(asking);
        }
        return count;
    }

    /**
     * Forgets the translations of a range, of one address space. Requests that use them may still
     * be under way: see {@link #await}.
     *
     * @param pasid the address space
     * @param iova first address, aligned to the size
     * @param shift the size, as a power of two; 64 for everything
     */
    void invalidate(int pasid, long iova, int shift) {
        synchronized (this) {
            tlb.dropRange(pasid, iova, shift);
            generation++;
        }
    }

    /** Forgets the translations of a range, of all address spaces that have an id. */
    void invalidateAll(long iova, int shift) {
        synchronized (this) {
            tlb.dropRangeOfAll(iova, shift);
            generation++;
        }
    }

    /** Waits until no request uses what has been forgotten. */
    void await() {
        inFlight.await(generation, true, true);
    }

    /**
     * Software has answered a group of page requests; see {@link PageRequestInterface#answered}.
     */
    void answered(int pasid, int group, int code) {
        pages.answered(pasid, group, code);
    }

    /** Ends the service with its machine. */
    void close() {
        turnOff(false);
        if (audit != null) {
            audit.pageRequestsEnd(requester, "the machine is closed");
        }
    }
}
