package org.iommu4j.flush.policy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;

/**
 * Invalidates what a gather holds, waits, and gives its pages back, all on the calling thread.
 *
 * <p>If the unit fails, what the gather held is kept, together with what failed before for the same
 * domain, and goes along with the next sync of that domain. Until that has succeeded, syncs come
 * one after another, so that none completes beside one that repeats its work.
 */
final class ImmediatePolicy implements FlushPolicy {

    /** What could not be completed under one domain id. */
    private record Failed(int domainId, IotlbGather gather) {}

    private final Invalidation invalidation;
    private final List<Failed> failures = new ArrayList<>();
    private volatile boolean anyFailed;

    ImmediatePolicy(Invalidation invalidation) {
        this.invalidation = invalidation;
    }

    @Override
    public FlushCompletion sync(int domainId, IotlbGather gather) {
        if (anyFailed) {
            repeat(domainId, gather);
        } else if (!gather.isEmpty()) {
            try {
                invalidation.complete(domainId, gather);
            } catch (RuntimeException | Error e) {
                keep(domainId, gather);
                throw e;
            }
            gather.completed();
        }
        return FlushCompletion.DONE;
    }

    @Override
    public synchronized void drain() {
        RuntimeException first = null;
        for (Failed failed : List.copyOf(failures)) {
            try {
                repeat(failed.domainId, failed.gather);
            } catch (RuntimeException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }

    @Override
    public void close() {
        drain();
    }

    private synchronized void keep(int domainId, IotlbGather gather) {
        gather.moveTo(failed(domainId, gather));
        anyFailed = true;
    }

    private synchronized void repeat(int domainId, IotlbGather gather) {
        IotlbGather all = failed(domainId, gather);
        gather.moveTo(all);
        if (!all.isEmpty()) {
            invalidation.complete(domainId, all);
            all.completed();
        }
        failures.removeIf(failed -> failed.gather.isEmpty());
        anyFailed = !failures.isEmpty();
    }

    /**
     * What failed under this id for the owner of a gather, or something empty that is looked at as
     * such from now on.
     */
    @SuppressWarnings("ReferenceEquality") // a domain is itself, whatever it may equal
    private IotlbGather failed(int domainId, IotlbGather gather) {
        for (Failed failed : failures) {
            if (failed.domainId == domainId && failed.gather.owner() == gather.owner()) {
                return failed.gather;
            }
        }
        Failed none = new Failed(domainId, gather.sibling());
        failures.add(none);
        return none.gather;
    }
}
