package org.iommu4j.benchmarks;

import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * Completes every gather at once, so that the engine is measured and not a unit: the peers' figures
 * hold no invalidation either.
 */
final class NoInvalidation implements FlushPolicyProvider, FlushPolicy {

    @Override
    public String name() {
        return "none";
    }

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return this;
    }

    @Override
    public FlushCompletion sync(int domainId, IotlbGather gather) {
        gather.completed();
        return FlushCompletion.DONE;
    }

    @Override
    public void drain() {}

    @Override
    public void close() {}
}
