package org.iommu4j.examples;

import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * A flush policy for examples without hardware: tells somebody which ranges to forget, and then has
 * the default policy do the rest.
 */
final class ForgetfulPolicy implements FlushPolicyProvider {

    /** Who is told. */
    @FunctionalInterface
    interface Forgetting {
        void forget(long start, long end);
    }

    private final Forgetting listener;

    ForgetfulPolicy(Forgetting listener) {
        this.listener = listener;
    }

    @Override
    public String name() {
        return "forgetful";
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        FlushPolicy policy = FlushPolicyProvider.providers().getFirst().create(context);
        return new FlushPolicy() {
            @Override
            public FlushCompletion sync(int domainId, IotlbGather gather) {
                for (int i = 0; i < gather.rangeCount(); i++) {
                    listener.forget(gather.rangeStart(i), gather.rangeEnd(i));
                }
                return policy.sync(domainId, gather);
            }

            @Override
            public void drain() {
                policy.drain();
            }

            @Override
            public void close() {
                policy.close();
            }
        };
    }
}
