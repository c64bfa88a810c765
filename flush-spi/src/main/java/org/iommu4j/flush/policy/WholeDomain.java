package org.iommu4j.flush.policy;

import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.IotlbInvalidator;

/** Everything of the domain, whatever the gather holds. */
final class WholeDomain implements Invalidation {

    private final IotlbInvalidator unit;

    WholeDomain(IotlbInvalidator unit) {
        this.unit = unit;
    }

    @Override
    public void complete(int domainId, IotlbGather gather) {
        unit.await(unit.invalidateDomain(domainId));
    }
}
