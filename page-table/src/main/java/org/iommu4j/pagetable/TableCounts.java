package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.pagetable.event.TableAllocEvent;

/*
 * Counting must not cost an exchange while tables are built: it would wait until the entries that were just stored are in
 * the cache. So each workspace, which one thread has at a time, counts for itself; pages that are released are counted by
 * whoever does it, with an exchange.
 *
 * The peak is exact, and nobody adds everything up for it but now and then. Each home has a limit, and all limits together
 * are no more than the peak: so as long as no home has more pages than its limit there are not more than ever. One that
 * passes it says so, and who releases pages next, before they are fewer, looks how many there are, raises the peak, and
 * shares out anew what is left below it.
 */

/** How many table pages a tree has, and what was done to it; summed when asked. */
final class TableCounts {

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int HOMES = Workspaces.HOMES;
    private static final int LINKED = 0;
    private static final int RELEASED = 1;
    private static final int LIMIT = 2;
    private static final int SPLIT = 3;
    /* Words from one home to the next, so that no two of them lie in one cache line or in a pair of lines. */
    private static final int STRIDE = 16;

    private final long[] words = new long[(HOMES + 2) * STRIDE]; // shared, by WORD
    private final LongAdder coalesces = new LongAdder();
    private final RootPages roots;
    private volatile boolean passed;
    private volatile long peak; // changed under this object's monitor

    /**
     * @param roots the pages that the tree begins with
     */
    TableCounts(RootPages roots) {
        this.roots = roots;
        this.peak = roots.count();
    }

    /** What one workspace has done. */
    final class Share {

        private final int first;
        private final boolean ofMany;

        private Share(int home) {
            this.first = word(home);
            this.ofMany = home == HOMES;
        }

        /** Tables were linked. */
        void linked(int pages) {
            long[] counts = words;
            long linked = add(counts, first + LINKED, pages);
            if (linked - counts[first + RELEASED] > counts[first + LIMIT] && !passed) {
                passed = true;
            }
            if (TableAllocEvent.isOn()) {
                TableAllocEvent.record(roots.first(), pages, pages());
            }
        }

        /** A leaf was replaced by a table. */
        void split() {
            add(words, first + SPLIT, 1);
        }

        private long add(long[] counts, int word, int more) {
            if (ofMany) {
                return (long) WORD.getAndAdd(counts, word, (long) more) + more;
            }
            long sum = counts[word] + more;
            WORD.setOpaque(counts, word, sum);
            return sum;
        }
    }

    /** What the workspace of a home has done. */
    Share share(int home) {
        return new Share(home);
    }

    /** What is done in workspaces that have no home. */
    Share shareOfMany() {
        return new Share(HOMES);
    }

    /** Tables were replaced by a leaf. */
    void coalesced() {
        coalesces.increment();
    }

    /** How many pages there are. */
    long pages() {
        return roots.count() + sum(LINKED) - sum(RELEASED);
    }

    /** Pages are no tables any more, nor waiting for an invalidation. */
    void released(int fewer) {
        if (passed) {
            look();
        }
        int home = (int) Thread.currentThread().threadId() & HOMES - 1;
        WORD.getAndAdd(words, word(home) + RELEASED, (long) fewer);
    }

    private synchronized void look() {
        passed = false;
        long pages = pages();
        peak = Math.max(peak, pages);
        int homes = 0;
        for (int home = 0; home <= HOMES; home++) {
            homes += get(word(home) + LINKED) == 0 ? 0 : 1;
        }
        long more = (peak - pages) / Math.max(1, homes);
        for (int home = 0; home <= HOMES; home++) {
            int first = word(home);
            long linked = get(first + LINKED);
            long has = linked - get(first + RELEASED);
            WORD.setOpaque(words, first + LIMIT, linked == 0 ? has : has + more);
        }
    }

    /** How many tables came and went. */
    long changes() {
        return sum(LINKED) + sum(RELEASED);
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

    private static int word(int home) {
        return (home + 1) * STRIDE;
    }

    private long get(int word) {
        return (long) WORD.getOpaque(words, word);
    }

    private long sum(int what) {
        long sum = 0;
        for (int home = 0; home <= HOMES; home++) {
            sum += get(word(home) + what);
        }
        return sum;
    }
}
