package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * Stands between a backend and its flush policy: knows what was handed over, and holds it back, has
 * it fail, or does something else first, as a contract wants. Any thread may use it.
 */
final class FlushRecord implements FlushPolicyProvider {

    /** What a gather held when it was handed over; ranges as start, end, start, end. */
    record Flush(List<Long> bounds, boolean structure, int pages) {

        static Flush of(IotlbGather gather) {
            List<Long> bounds = new ArrayList<>();
            for (int i = 0; i < gather.rangeCount(); i++) {
                bounds.add(gather.rangeStart(i));
                bounds.add(gather.rangeEnd(i));
            }
            return new Flush(List.copyOf(bounds), gather.structureChanged(), gather.heldPages());
        }

        boolean covers(long start, long size) {
            for (int i = 0; i < bounds.size(); i += 2) {
                if (bounds.get(i) <= start && start + size <= bounds.get(i + 1)) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < bounds.size(); i += 2) {
                text.append(text.isEmpty() ? "" : " ")
                        .append(Hex.range(bounds.get(i), bounds.get(i + 1) - bounds.get(i)));
            }
            return (text.isEmpty() ? "nothing" : text.toString())
                    + (structure ? ", structure changed" : ", leaves only")
                    + (pages > 0 ? ", " + pages + " table pages" : "");
        }
    }

    /** A gather that waits for {@link #release}. */
    private record Held(FlushPolicy policy, int domainId, IotlbGather batch, Promise promise) {}

    private final FlushPolicyProvider inner;
    private final List<Flush> flushes = new ArrayList<>();
    private final List<Held> held = new ArrayList<>();
    private boolean used;
    private boolean holding;
    private boolean failing;
    private Runnable before = () -> {};

    FlushRecord(FlushPolicyProvider inner) {
        this.inner = inner;
    }

    @Override
    public String name() {
        return "kit";
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        synchronized (this) {
            used = true;
        }
        return new Recorded(inner.create(context));
    }

    /** {@return true if the backend flushes by the policy that its options choose} */
    synchronized boolean isUsed() {
        return used;
    }

    /** {@return what was handed over since the last {@link #clear}, oldest first} */
    synchronized List<Flush> flushes() {
        return List.copyOf(flushes);
    }

    synchronized void clear() {
        flushes.clear();
    }

    /** Completes nothing from now on, until {@link #release}. */
    synchronized void hold() {
        holding = true;
    }

    /** Has the unit forget what was held, and everything from now on. */
    void release() {
        List<Held> waiting;
        synchronized (this) {
            holding = false;
            waiting = List.copyOf(held);
            held.clear();
        }
        for (Held each : waiting) {
            each.policy().sync(each.domainId(), each.batch()).await();
            each.promise().keep();
        }
    }

    /** Lets every sync fail from now on, or not any more. */
    synchronized void fail(boolean on) {
        failing = on;
    }

    /** Runs before each sync, on the thread that syncs. */
    synchronized void before(Runnable action) {
        before = action;
    }

    private final class Recorded implements FlushPolicy {

        private final FlushPolicy policy;

        Recorded(FlushPolicy policy) {
            this.policy = policy;
        }

        @Override
        public FlushCompletion sync(int domainId, IotlbGather gather) {
            Runnable first;
            synchronized (FlushRecord.this) {
                first = before;
            }
            first.run();
            synchronized (FlushRecord.this) {
                flushes.add(Flush.of(gather));
                if (failing) {
                    throw new IommuException("the kit lets this wait for the unit fail");
                }
                if (holding) {
                    IotlbGather batch = gather.sibling();
                    gather.moveTo(batch);
                    Promise promise = new Promise();
                    held.add(new Held(policy, domainId, batch, promise));
                    return promise;
                }
            }
            return policy.sync(domainId, gather);
        }

        @Override
        public void drain() {
            release();
            policy.drain();
        }

        @Override
        public void close() {
            release();
            policy.close();
        }
    }

    /** Is kept when the unit has forgotten what was held back. */
    private static final class Promise implements FlushCompletion {

        private final List<Runnable> actions = new ArrayList<>();
        private boolean kept;

        void keep() {
            List<Runnable> due;
            synchronized (this) {
                kept = true;
                due = List.copyOf(actions);
                notifyAll();
            }
            due.forEach(Runnable::run);
        }

        @Override
        public synchronized boolean isDone() {
            return kept;
        }

        @Override
        public synchronized void await() {
            try {
                while (!kept) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IommuException("the wait for what the kit holds up was interrupted", e);
            }
        }

        @Override
        public void whenDone(Runnable action) {
            synchronized (this) {
                if (!kept) {
                    actions.add(action);
                    return;
                }
            }
            action.run();
        }
    }
}
