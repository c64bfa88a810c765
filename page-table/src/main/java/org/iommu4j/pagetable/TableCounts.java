package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.pagetable.event.TableAllocEvent;

/*
 * Counting must not cost an exchange: it would wait until the entries that were just stored are in the cache. So each
 * workspace, which one thread has at a time, counts for itself.
 */

/** How many table pages a tree has, and what was done to it; summed when asked. */
final class TableCounts {

    private static final VarHandle RELEASED = field("released");
    private static final VarHandle PEAK = field("peak");
    private static final int MOST_SHARES = Workspaces.HOMES + 1;
    private static final int LINKED = 0;
    private static final int SPLIT = 1;
    /* Words from one share to the next, so that no two of them lie in one cache line or in a pair of lines. */
    private static final int STRIDE = 16;

    private final AtomicLongArray words = new AtomicLongArray((MOST_SHARES + 1) * STRIDE);
    private final AtomicInteger shares = new AtomicInteger();
    private final LongAdder coalesces = new LongAdder();
    private final RootPages roots;
    private volatile long released; // stored through RELEASED
    private volatile long peak; // stored through PEAK

    /**
     * @param roots the pages that the tree begins with
     */
    TableCounts(RootPages roots) {
        this.roots = roots;
    }

    /** What one workspace has done. */
    final class Share {

        private final int first;
        private final boolean ofMany;

        private Share(int number) {
            this.first = Math.min(number, MOST_SHARES) * STRIDE;
            this.ofMany = number >= MOST_SHARES;
        }

        /** Tables were linked. */
        void linked(int pages) {
            add(LINKED, pages);
            if (TableAllocEvent.isOn()) {
                TableAllocEvent.record(roots.first(), pages, pages());
            }
        }

        /** A leaf was replaced by a table. */
        void split() {
            add(SPLIT, 1);
        }

        private void add(int what, int more) {
            int word = first + what;
            if (ofMany) {
                words.getAndAdd(word, more);
            } else {
                words.setOpaque(word, words.getPlain(word) + more);
            }
        }
    }

    /** A share for one more workspace: its own, or when there are many, the last one for all. */
    Share share() {
        return new Share(shares.updateAndGet(last -> Math.min(last + 1, MOST_SHARES)));
    }

    /** Tables were replaced by a leaf. */
    void coalesced() {
        coalesces.increment();
    }

    /** How many pages there are. */
    long pages() {
        return roots.count() + sum(LINKED) - released;
    }

    /**
     * Pages are no tables any more, nor waiting for an invalidation. One thread at a time calls it.
     */
    void released(int fewer) {
        long before = pages();
        if (before > peak) {
            PEAK.setRelease(
                    this,
                    before); // the most that there ever were, there were just before some went
        }
        RELEASED.setRelease(this, released + fewer);
    }

    /** How many tables came and went. */
    long changes() {
        return sum(LINKED) + released;
    }

    long peak() {
        return Math.max(peak, pages());
    }

    long splits() {
        return sum(SPLIT);
    }

    long coalesces() {
        return coalesces.sum();
    }

    private static VarHandle field(String name) {
        try {
            return MethodHandles.lookup().findVarHandle(TableCounts.class, name, long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private long sum(int what) {
        long sum = 0;
        for (int i = 1; i <= shares.get(); i++) {
            sum += words.getOpaque(i * STRIDE + what);
        }
        return sum;
    }
}
