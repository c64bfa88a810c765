package org.iommu4j.flush.policy;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.IotlbInvalidator;
import org.jspecify.annotations.Nullable;

/*
 * Threads hand over into stripes, each into one of its own, and meet only when a stripe's share of the batch is full. A
 * flush collects the stripes into one gather, asks for one invalidation, waits, and gives the pages back. It holds the
 * flush lock all the while: who wants the same domain flushed meanwhile waits, and then finds that what it waits for is
 * done, or flushes at once for everybody who came in between. What a failed wait leaves stays in the collecting gather,
 * and goes along with the next flush.
 */

/** What one domain has handed over and the hardware may not have forgotten yet. */
final class DomainBatches {

    private static final int STRIPES = 16;
    private static final int ROUNDS_BEFORE_PAUSE = 64;
    private static final int PAUSE_NANOS = 1000;

    private final int domainId;
    private final IotlbInvalidator unit;
    private final AtomicLong pagesOfAll;
    private final int share;
    private final BatchStripe[] stripes = new BatchStripe[STRIPES];
    private final AtomicLong count = new AtomicLong();
    private final ReentrantLock flushing = new ReentrantLock();
    private final IotlbGather collected;
    private @Nullable BatchCompletion waiting;
    private volatile boolean used;
    private volatile boolean failed;

    /* The next one of its bucket in the table of all; the table's. */
    @Nullable DomainBatches next;

    /**
     * Begins with nothing.
     *
     * @param gather any gather of the domain
     * @param most how many gathers make a batch
     * @param pagesOfAll counts the table pages that are held, over all domains
     */
    DomainBatches(
            int domainId,
            IotlbGather gather,
            int most,
            IotlbInvalidator unit,
            AtomicLong pagesOfAll) {
        this.domainId = domainId;
        this.unit = unit;
        this.pagesOfAll = pagesOfAll;
        this.share = Math.max(1, most / STRIPES);
        this.collected = gather.sibling();
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new BatchStripe();
        }
    }

    @SuppressWarnings("ReferenceEquality") // a domain is itself, whatever it may equal
    boolean isOf(int id, IotlbGather.Owner owner) {
        return domainId == id && collected.owner() == owner;
    }

    int domainId() {
        return domainId;
    }

    /** Whether the last flush failed, so that somebody has an exception instead of a completion. */
    boolean hasFailed() {
        return failed;
    }

    /** How many gathers are held, as far as the stripes have filled their shares. */
    long count() {
        return count.get();
    }

    /**
     * Takes over what a gather holds.
     *
     * @return the completion, or null if this object is retired: nothing has happened then
     */
    @Nullable FlushCompletion add(IotlbGather gather) {
        if (!used) {
            used = true;
        }
        int pages = gather.heldPages();
        BatchStripe stripe = enterAny();
        try {
            if (stripe.isRetired()) {
                return null;
            }
            FlushCompletion batch = stripe.add(gather, this);
            if (pages > 0) {
                pagesOfAll.addAndGet(pages);
            }
            if (stripe.count() % share == 0) {
                count.addAndGet(share);
            }
            return batch;
        } finally {
            stripe.leave();
        }
    }

    /** Completes everything handed over before, unless that has happened when it comes to it. */
    void flushUnless(FlushCompletion done) {
        flushing.lock();
        if (done.isDone()) {
            flushing.unlock();
        } else {
            flushAndUnlock();
        }
    }

    /**
     * Completes everything handed over before; without waiting for others, returns if one is at it.
     */
    void flush(boolean wait) {
        if (wait) {
            flushing.lock();
            flushAndUnlock();
        } else if (flushing.tryLock()) {
            flushAndUnlock();
        }
    }

    /**
     * Keeps others from flushing, if there is anything to be flushed; {@link #end} or {@link
     * #abandon} must follow.
     */
    boolean begin() {
        flushing.lock();
        boolean any = false;
        try {
            collect();
            any = holdsAny();
        } finally {
            if (!any) {
                flushing.unlock();
            }
        }
        return any;
    }

    /**
     * Ends {@link #begin} with an invalidation that was asked for since then.
     *
     * @param done gets the first of the completions to announce, also if the owner then throws
     */
    void end(long ticket, List<BatchCompletion> done) {
        try {
            await(() -> ticket);
            BatchCompletion first = waiting;
            if (first != null) {
                done.add(first);
            }
            complete();
        } finally {
            flushing.unlock();
        }
    }

    /** Ends {@link #begin} without an invalidation; everything is kept. */
    void abandon() {
        failed = true;
        flushing.unlock();
    }

    /**
     * Refuses everything from now on, if nothing is held and nothing was handed over since this was
     * asked last.
     */
    boolean retireIfIdle() {
        if (used) {
            used = false;
            return false;
        }
        if (!flushing.tryLock()) {
            return false;
        }
        try {
            boolean idle = !holdsAny();
            for (BatchStripe stripe : stripes) {
                enter(stripe);
                idle &= stripe.isEmpty();
            }
            for (BatchStripe stripe : stripes) {
                if (idle) {
                    stripe.retire();
                }
                stripe.leave();
            }
            return idle;
        } finally {
            flushing.unlock();
        }
    }

    private void flushAndUnlock() {
        BatchCompletion done = null;
        try {
            collect();
            if (holdsAny()) {
                await(() -> unit.invalidateDomain(domainId));
                done = waiting;
                complete();
            }
        } finally {
            flushing.unlock();
            BatchCompletion.announce(done);
        }
    }

    /**
     * Whether there is anything to flush that was collected; pages too that were not taken back.
     */
    private boolean holdsAny() {
        return waiting != null || !collected.isEmpty();
    }

    private void await(LongSupplier request) {
        try {
            unit.await(request.getAsLong());
            failed = false;
        } catch (RuntimeException | Error e) {
            failed = true;
            throw e;
        }
    }

    private void collect() {
        for (BatchStripe stripe : stripes) {
            enter(stripe);
            try {
                long reported = stripe.count() / share * share;
                BatchCompletion batch = stripe.collect(collected);
                if (batch != null) {
                    batch.next = waiting;
                    waiting = batch;
                    count.addAndGet(-reported);
                }
            } finally {
                stripe.leave();
            }
        }
    }

    private void complete() {
        BatchCompletion first = waiting;
        int pages = collected.heldPages();
        try {
            collected.completed();
        } finally {
            pagesOfAll.addAndGet(collected.heldPages() - pages);
            waiting = null;
            for (BatchCompletion batch = first; batch != null; batch = batch.next) {
                batch.happened();
            }
        }
    }

    /** Enters this thread's stripe, or another one if somebody is in it. */
    private BatchStripe enterAny() {
        int home = (int) Thread.currentThread().threadId();
        for (int i = 0; ; i++) {
            BatchStripe stripe = stripes[home + i & STRIPES - 1];
            if (stripe.tryEnter()) {
                return stripe;
            }
            if ((i & STRIPES - 1) == STRIPES - 1) {
                pause(i / STRIPES);
            }
        }
    }

    private static void enter(BatchStripe stripe) {
        for (int round = 0; !stripe.tryEnter(); round++) {
            pause(round);
        }
    }

    private static void pause(int round) {
        Thread.onSpinWait();
        if (round >= ROUNDS_BEFORE_PAUSE) {
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
