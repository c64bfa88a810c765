package org.iommu4j.walker.slab;

import static org.iommu4j.walker.slab.Stripe.DIRTY;
import static org.iommu4j.walker.slab.Stripe.ZEROED;

import java.util.concurrent.locks.LockSupport;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * Hands out the pages of a memory but the one at physical address 0, near each thread and exact all
 * the same.
 *
 * <p>A thread takes from and gives to a stripe of its own. What a stripe lacks comes from the
 * shared pages, and only when those are too few from the other stripes, with every lock held: so a
 * reservation is refused only if there really are not as many pages, and refusing changes nothing.
 * Pages that were used before are preferred to others, because memory that was never touched costs
 * nothing. A page is zeroed only when a zeroed one is wanted and no recycled one is known to be;
 * that is done with no lock held.
 */
final class SlabAllocator implements TableAllocator {

    private static final int STRIPES = 16;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final int ROUNDS_BEFORE_PAUSE = 64;
    private static final int PAUSE_NANOS = 1000;
    private static final int REFUSED = -1;

    private final PhysicalMemory memory;
    private final long capacity;
    private final SharedPages shared;
    private final Stripe[] stripes = new Stripe[STRIPES];

    SlabAllocator(PhysicalMemory memory) {
        long first = Math.max(1, memory.start() >>> PhysicalMemory.PAGE_SHIFT);
        long end = memory.start() + memory.size() >>> PhysicalMemory.PAGE_SHIFT;
        this.memory = memory;
        this.capacity = end - first;
        this.shared = new SharedPages(memory, first, end);
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new Stripe();
        }
    }

    @Override
    public long take() {
        Stripe stripe = enterAny();
        if (stripe.count(ZEROED) > 0) {
            long page = stripe.pop(ZEROED);
            stripe.leave();
            return page;
        }
        if (stripe.count(DIRTY) > 0 && !shared.mayHaveZeroed()) {
            long page = stripe.pop(DIRTY);
            stripe.leave();
            return zeroed(page);
        }
        stripe.leave();
        PageList list = new PageList();
        return reserveZeroed(1, list) ? list.removeLast() : -1;
    }

    @Override
    public void give(long page) {
        Stripe stripe = enterAny();
        try {
            push(stripe, DIRTY, page);
        } finally {
            stripe.leave();
        }
    }

    @Override
    public boolean reserve(int count, PageList list) {
        list.ensureRoom(count);
        return move(count, false, list) != REFUSED;
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        list.ensureRoom(count);
        int from = list.size();
        int dirty = move(count, true, list);
        try {
            for (int i = 0; i < dirty; i++) {
                zero(list.get(from + i));
            }
        } catch (RuntimeException | Error e) {
            while (list.size() > from) {
                give(list.removeLast());
            }
            throw e;
        }
        return dirty != REFUSED;
    }

    @Override
    public void giveBack(PageList list) {
        giveBack(list, DIRTY);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        giveBack(list, ZEROED);
    }

    @Override
    public long capacity() {
        return capacity;
    }

    @Override
    public long free() {
        enterAll();
        try {
            return count();
        } finally {
            leaveAll();
        }
    }

    @Override
    public long trim() {
        enterAll();
        try {
            synchronized (shared) {
                gather();
                return shared.discard();
            }
        } finally {
            leaveAll();
        }
    }

    /**
     * Moves pages to a list; returns how many of them, which come first, are dirty, or that there
     * are too few.
     */
    private int move(int count, boolean zeroed, PageList list) {
        Stripe own = enterAny();
        try {
            if (zeroed ? own.count(ZEROED) >= count : own.count() >= count) {
                int dirty = zeroed ? 0 : own.moveTo(list, DIRTY, count);
                own.moveTo(list, ZEROED, count - dirty);
                return dirty;
            }
            synchronized (shared) {
                if (own.count() + shared.count() >= count) {
                    return moveBest(own, count, zeroed, list);
                }
            }
        } finally {
            own.leave();
        }
        return moveFromAll(own, count, zeroed, list);
    }

    private int moveFromAll(Stripe own, int count, boolean zeroed, PageList list) {
        enterAll();
        try {
            synchronized (shared) {
                if (count() < count) {
                    return REFUSED;
                }
                gather();
                return moveBest(own, count, zeroed, list);
            }
        } finally {
            leaveAll();
        }
    }

    /** Makes the pages of every stripe shared ones. */
    private void gather() {
        for (Stripe stripe : stripes) {
            shared.takeFrom(stripe, ZEROED, stripe.count(ZEROED));
            shared.takeFrom(stripe, DIRTY, stripe.count(DIRTY));
        }
    }

    /**
     * Moves pages that are there; dirty ones first: all there are, or if zeroed ones are wanted, no
     * more than needed.
     */
    private int moveBest(Stripe own, int count, boolean zeroed, PageList list) {
        int known = zeroed ? own.count(ZEROED) + shared.count(ZEROED) : 0;
        int dirty = Math.min(Math.max(0, count - known), own.count(DIRTY) + shared.count(DIRTY));
        int wanted = dirty - own.moveTo(list, DIRTY, dirty);
        shared.moveTo(list, DIRTY, wanted, own);
        wanted = count - dirty;
        wanted -= own.moveTo(list, ZEROED, wanted);
        wanted -= shared.moveTo(list, ZEROED, wanted, own);
        if (wanted > 0) {
            shared.moveUnused(list, wanted, own);
        }
        return dirty;
    }

    private void giveBack(PageList list, int kind) {
        Stripe stripe = enterAny();
        try {
            if (list.size() > Stripe.ROOM) {
                synchronized (shared) {
                    shared.takeFrom(list, kind, list.size() - SharedPages.BATCH);
                }
            }
            while (!list.isEmpty()) {
                push(stripe, kind, list.get(list.size() - 1));
                list.removeLast();
            }
        } finally {
            stripe.leave();
        }
    }

    private void push(Stripe stripe, int kind, long page) {
        if (stripe.isFull(kind)) {
            synchronized (shared) {
                shared.takeFrom(stripe, kind, SharedPages.BATCH);
            }
        }
        stripe.push(kind, page);
    }

    private long count() {
        synchronized (shared) {
            long count = shared.count();
            for (Stripe stripe : stripes) {
                count += stripe.count();
            }
            return count;
        }
    }

    private long zeroed(long page) {
        try {
            zero(page);
            return page;
        } catch (RuntimeException | Error e) {
            give(page);
            throw e;
        }
    }

    private void zero(long page) {
        memory.fill(page, 0, 0, WORDS);
    }

    /** Enters this thread's stripe, or another one if somebody is in it. */
    private Stripe enterAny() {
        int home = (int) Thread.currentThread().threadId();
        for (int i = 0; ; i++) {
            Stripe stripe = stripes[home + i & STRIPES - 1];
            if (stripe.tryEnter()) {
                return stripe;
            }
            if ((i & STRIPES - 1) == STRIPES - 1) {
                await(i / STRIPES);
            }
        }
    }

    private void enterAll() {
        for (Stripe stripe : stripes) {
            for (int round = 0; !stripe.tryEnter(); round++) {
                await(round);
            }
        }
    }

    private void leaveAll() {
        for (Stripe stripe : stripes) {
            stripe.leave();
        }
    }

    private void await(int round) {
        memory.spin();
        if (round >= ROUNDS_BEFORE_PAUSE) {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
