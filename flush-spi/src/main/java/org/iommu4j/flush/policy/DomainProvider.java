package org.iommu4j.flush.policy;

import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;

/** Provides {@code domain}: at once, and always everything of the domain. */
public final class DomainProvider implements FlushPolicyProvider {

    /** For the service loader. */
    public DomainProvider() {}

    @Override
    public String name() {
        return "domain";
    }

    @Override
    public FlushPolicy create(FlushContext context) {
        return new ImmediatePolicy(new WholeDomain(context.invalidator()));
    }
}
