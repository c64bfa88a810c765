package org.iommu4j.flush.policy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.iommu4j.api.IotlbGather;
import org.jspecify.annotations.Nullable;

/**
 * What a few threads have handed over for one domain since it was last collected, behind a lock of
 * its own that is held for as long as it takes to move a gather.
 *
 * <p>The lock and the count stand in an array with room at both ends, so that no two stripes share
 * a cache line wherever the collector moves them. But for {@link #tryEnter}, every method wants the
 * lock.
 */
final class BatchStripe {

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int APART = 16;
    private static final int LOCK = APART;
    private static final int COUNT = LOCK + 1;

    private final long[] words = new long[COUNT + 1 + APART];
    private @Nullable IotlbGather held;
    private @Nullable BatchCompletion completion;
    private boolean retired;

    boolean tryEnter() {
        return (long) WORD.getOpaque(words, LOCK) == 0 && WORD.compareAndSet(words, LOCK, 0L, 1L);
    }

    void leave() {
        WORD.setRelease(words, LOCK, 0L);
    }

    /**
     * Takes over what a gather holds.
     *
     * @param domain makes the completion if this is the first since the last collection
     */
    BatchCompletion add(IotlbGather gather, DomainBatches domain) {
        IotlbGather target = held;
        if (target == null) {
            target = gather.sibling();
            held = target;
        }
        BatchCompletion batch = completion;
        if (batch == null) {
            batch = new BatchCompletion(domain);
            completion = batch;
        }
        gather.moveTo(target);
        words[COUNT]++;
        return batch;
    }

    /** How many gathers are held. */
    long count() {
        return words[COUNT];
    }

    boolean isEmpty() {
        return completion == null;
    }

    /**
     * Moves everything to a gather.
     *
     * @return the completion of what was held, or null if that is nothing
     */
    @Nullable BatchCompletion collect(IotlbGather target) {
        BatchCompletion batch = completion;
        if (batch != null && held != null) {
            held.moveTo(target);
            completion = null;
            words[COUNT] = 0;
        }
        return batch;
    }

    /** From now on nothing may be handed over here. */
    void retire() {
        retired = true;
    }

    boolean isRetired() {
        return retired;
    }
}
