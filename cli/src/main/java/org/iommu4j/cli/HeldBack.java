package org.iommu4j.cli;

import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/**
 * A flush policy as another provider makes it, and how many table pages it held back at its peak:
 * what waits for an invalidation to complete.
 */
final class HeldBack implements FlushPolicyProvider {
    private final FlushPolicyProvider chosen;
    private final AtomicLong held = new AtomicLong();
    private final AtomicLong peak = new AtomicLong();

    HeldBack(FlushPolicyProvider chosen) {
        this.chosen = chosen;
    }

    /** The most table pages that ever waited. */
    long peakPages() {
        return peak.get();
    }

    /** The table pages that wait now. */
    long pages() {
        return held.get();
    }

    @Override
    public String name() {
        return chosen.name();
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        FlushPolicy policy = chosen.create(context);
        return new FlushPolicy() {
            @Override
            public FlushCompletion sync(int domainId, IotlbGather gather) {
                int pages = gather.heldPages();
                if (pages == 0) {
                    return policy.sync(domainId, gather);
                }
                peak.accumulateAndGet(held.addAndGet(pages), Math::max);
                FlushCompletion completion = policy.sync(domainId, gather);
                completion.whenDone(() -> held.addAndGet(-pages));
                return completion;
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
