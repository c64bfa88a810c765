package org.iommu4j.flush;

import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;

/**
 * Turns gathers into invalidations, and says when their pages may go back.
 *
 * <p>The contract: a gather that is handed over is empty when {@link #sync} returns. What it held
 * is invalidated by requests that cover every range of it, without the leaf-only hint if its
 * structure changed; only when all of them have completed is {@link IotlbGather#completed()}
 * called, once, on the gather itself or on the batch it was moved to. A wait that failed completes
 * nothing: what it held is kept until a later invalidation covers it. Nothing is ever dropped. Any
 * thread may call any method.
 */
public interface FlushPolicy extends AutoCloseable {

    /**
     * Takes over what a gather holds.
     *
     * @param domainId the domain id under which the unit knows the domain
     * @param gather the gather; empty when this returns
     * @return when the hardware has forgotten what it held
     * @throws org.iommu4j.api.IommuException if the unit failed. Nothing is lost: what the gather
     *     held is kept, or is still in it; and until the hardware has forgotten it, a sync of the
     *     same gather, whether it is empty by now or not, tries again and throws again
     */
    FlushCompletion sync(int domainId, IotlbGather gather);

    /** Completes everything handed over so far. */
    void drain();

    /** Drains, and stops whatever the policy runs in the background. Idempotent. */
    @Override
    void close();
}
