package org.iommu4j.walker.slab;

import static org.iommu4j.walker.slab.Stripe.DIRTY;
import static org.iommu4j.walker.slab.Stripe.ZEROED;

import java.util.Arrays;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The pages that are in no stripe: recycled ones, and those never used, which need not be
 * remembered one by one.
 *
 * <p>Every method but {@link #mayHaveZeroed} wants this object's monitor.
 */
final class SharedPages {

    /** How many pages move between here and a stripe at a time. */
    static final int BATCH = 32;

    /* The words of the ledger that share a cache line belong to this many pages. */
    private static final int LINE_OF_LEDGER = 8;
    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;

    private final PageList[] recycled = {new PageList(), new PageList()};
    private final PageList discarded = new PageList();
    private final PhysicalMemory memory;
    private final long end;
    private final long usedEnd;
    private long next;
    private volatile boolean zeroed;

    /**
     * Begins with the pages [first, end), by number, of which this allocator has used none. Those
     * that another one of the same memory has used before are zeroed when they are first taken.
     */
    SharedPages(PhysicalMemory memory, long first, long end) {
        this.memory = memory;
        this.next = first;
        this.end = end;
        this.usedEnd = memory.ledger().usedEnd() >>> PhysicalMemory.PAGE_SHIFT;
    }

    long count() {
        return recycled[ZEROED].size() + recycled[DIRTY].size() + discarded.size() + end - next;
    }

    int count(int kind) {
        return recycled[kind].size();
    }

    /**
     * Says, for who does not hold the monitor, whether it is worth it to come for a zeroed page.
     */
    boolean mayHaveZeroed() {
        return zeroed;
    }

    /**
     * Moves recycled pages to a list, as many as are wanted and here, then a batch to the stripe,
     * which has none left.
     */
    int moveTo(PageList list, int kind, int wanted, Stripe stripe) {
        PageList from = recycled[kind];
        int moved = Math.min(wanted, from.size());
        from.moveLast(list, moved);
        if (moved > 0) {
            for (int i = Math.min(BATCH, from.size()); i > 0; i--) {
                stripe.push(kind, from.removeLast());
            }
            zeroed = count(ZEROED) > 0;
        }
        return moved;
    }

    /**
     * Moves pages that cost nothing yet, or nothing any more, and are there, to a list, and the
     * rest of an aligned run to the stripe, which has no zeroed page: what one thread uses shares
     * no line of the ledger with what another uses.
     */
    void moveUnused(PageList list, int count, Stripe stripe) {
        int wanted = count;
        while (wanted > 0 && !discarded.isEmpty()) {
            list.add(discarded.removeLast());
            wanted--;
        }
        if (wanted > 0) {
            moveNeverUsed(list, wanted, stripe);
        }
    }

    /**
     * Gives the memory behind every recycled page back to the system, as far as it takes it.
     *
     * @return how many pages it took
     */
    int discard() {
        int before = discarded.size();
        for (int kind : new int[] {ZEROED, DIRTY}) {
            discard(recycled[kind]);
        }
        zeroed = count(ZEROED) > 0;
        return discarded.size() - before;
    }

    /**
     * Takes pages of a list that are neighbours together; what cannot be given back stays in it.
     */
    private void discard(PageList pages) {
        long[] sorted = new long[pages.size()];
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = pages.get(i);
        }
        Arrays.sort(sorted);
        discarded.ensureRoom(sorted.length);
        pages.clear();
        for (int from = 0, to; from < sorted.length; from = to) {
            to = from + 1;
            while (to < sorted.length && sorted[to] == sorted[to - 1] + PhysicalMemory.PAGE_SIZE) {
                to++;
            }
            long bytes = (long) (to - from) * PhysicalMemory.PAGE_SIZE;
            PageList target = memory.discard(sorted[from], bytes) ? discarded : pages;
            for (int i = to - 1; i >= from; i--) {
                target.add(sorted[i]);
            }
        }
    }

    private void moveNeverUsed(PageList list, int wanted, Stripe stripe) {
        long stop =
                Math.min(
                        end, next + Math.max(wanted, BATCH) + LINE_OF_LEDGER - 1 & -LINE_OF_LEDGER);
        memory.ledger().noteUsed(stop << PhysicalMemory.PAGE_SHIFT);
        for (long page = next; page < Math.min(stop, usedEnd); page++) {
            memory.fill(page << PhysicalMemory.PAGE_SHIFT, 0, 0, WORDS);
        }
        for (int i = 0; i < wanted; i++) {
            list.add(next++ << PhysicalMemory.PAGE_SHIFT);
        }
        for (long page = stop - 1; page >= next; page--) {
            stripe.push(ZEROED, page << PhysicalMemory.PAGE_SHIFT);
        }
        next = stop;
    }

    /** Takes pages off a list. */
    void takeFrom(PageList list, int kind, int count) {
        list.moveLast(recycled[kind], count);
        zeroed = count(ZEROED) > 0;
    }

    /** Takes pages out of a stripe, the oldest first. */
    void takeFrom(Stripe stripe, int kind, int count) {
        recycled[kind].ensureRoom(count);
        stripe.moveOldestTo(recycled[kind], kind, count);
        zeroed = count(ZEROED) > 0;
    }
}
