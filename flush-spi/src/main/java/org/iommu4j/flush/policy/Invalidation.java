package org.iommu4j.flush.policy;

import org.iommu4j.api.IotlbGather;

/** How the hardware is made to forget what a gather holds. */
@FunctionalInterface
interface Invalidation {

    /**
     * Returns when the hardware has forgotten everything in the gather, which stays as it is.
     *
     * @param domainId the domain id under which the unit knows the domain
     * @param gather not empty
     * @throws org.iommu4j.api.IommuException if the unit failed; nothing is known then
     */
    void complete(int domainId, IotlbGather gather);
}
