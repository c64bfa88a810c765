package org.iommu4j.flush.policy;

import java.lang.System.Logger;
import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.jspecify.annotations.Nullable;

/**
 * The completion that every sync of one batch returns. Who waits for it does not wait for the
 * batch's turn: it flushes the domain.
 */
final class BatchCompletion implements FlushCompletion {

    private static final Logger LOG = System.getLogger(BatchCompletion.class.getName());

    private final DomainBatches domain;
    private final List<Runnable> actions = new ArrayList<>(0);
    private volatile boolean done;

    /* The next one that waits for the same invalidation; its domain's. */
    @Nullable BatchCompletion next;

    BatchCompletion(DomainBatches domain) {
        this.domain = domain;
    }

    @Override
    public boolean isDone() {
        return done;
    }

    @Override
    public void await() {
        if (!done) {
            domain.flushUnless(this);
        }
    }

    @Override
    public void whenDone(Runnable action) {
        synchronized (actions) {
            if (!done) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /** The invalidation has completed. */
    void happened() {
        synchronized (actions) {
            done = true;
        }
    }

    /** Runs the actions that waited, after {@link #happened}; one that throws stops no other. */
    static void announce(@Nullable BatchCompletion first) {
        for (BatchCompletion batch = first; batch != null; batch = batch.next) {
            for (Runnable action : batch.actions) {
                run(action);
            }
        }
    }

    private static void run(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            LOG.log(Logger.Level.WARNING, "an action at the end of a flush threw", e);
        }
    }
}
