package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.iommu4j.machine.MemoryObserver;
import org.jspecify.annotations.Nullable;

/**
 * Stops a backend before each of its stores to memory and each write-back, so that a contract can
 * look at every state that memory goes through. Any thread may use it.
 */
final class Steps implements MemoryObserver {

    /** What is about to happen. */
    enum Kind {
        STORE,
        EXCHANGE,
        WRITE_BACK
    }

    /** What happens before that. */
    @FunctionalInterface
    interface Step {

        /**
         * Memory is about to change.
         *
         * @param kind how
         * @param address the word, or the first byte
         * @param value what will be there, if no exchange fails; 0 for a write-back
         */
        void before(Kind kind, long address, long value);
    }

    private final List<MemoryObserver> others = new CopyOnWriteArrayList<>();
    private volatile @Nullable Thread watched;
    private volatile Step step = (kind, address, value) -> {};
    private @Nullable RuntimeException problem;

    /**
     * Looks at the stores of the calling thread while something runs. What a step throws is thrown
     * when that has ended, not into the backend, which may hold a guard.
     */
    void during(Runnable what, Step each) {
        step = each;
        problem = null;
        watched = Thread.currentThread();
        try {
            what.run();
        } finally {
            watched = null;
            rethrow();
        }
    }

    private void rethrow() {
        RuntimeException thrown = problem;
        if (thrown != null) {
            throw thrown;
        }
    }

    /** Counts the steps of something. */
    int count(Runnable what) {
        int[] steps = new int[1];
        during(what, (kind, address, value) -> steps[0]++);
        return steps[0];
    }

    /** Does something at one step of another thing, counted from 0. */
    void at(int wanted, Runnable what, Runnable then) {
        int[] steps = new int[1];
        during(
                what,
                (kind, address, value) -> {
                    if (steps[0]++ == wanted) {
                        then.run();
                    }
                });
    }

    /** Shows every access to another observer, from now on. */
    void alsoTo(MemoryObserver other) {
        others.add(other);
    }

    @Override
    public void beforeStore(long address, long value) {
        stepBefore(Kind.STORE, address, value);
        others.forEach(other -> other.beforeStore(address, value));
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        stepBefore(Kind.EXCHANGE, address, value);
        others.forEach(other -> other.beforeExchange(address, expected, value));
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        stepBefore(Kind.WRITE_BACK, address, 0);
        others.forEach(other -> other.beforeWriteBack(address, bytes));
    }

    @Override
    public void beforeFence() {
        others.forEach(MemoryObserver::beforeFence);
    }

    @SuppressWarnings("ReferenceEquality") // the very thread
    private void stepBefore(Kind kind, long address, long value) {
        Thread current = Thread.currentThread();
        if (watched == current) {
            watched = null; // what the contract does itself is not looked at
            try {
                step.before(kind, address, value);
            } catch (RuntimeException e) {
                problem = problem == null ? e : problem;
            } finally {
                watched = current;
            }
        }
    }
}
