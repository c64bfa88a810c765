package org.iommu4j.vtd;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;

/** A domain of VT-d: page tables, and the domain id by which the unit knows them. */
final class VtdDomain extends PageTableDomain {

    private final DomainFactory factory;
    private final int id;
    private final FlushPolicy policy;
    private final boolean ownsPolicy;
    private final InvalidationCounts counts;

    VtdDomain(
            DomainFactory factory,
            int id,
            PageTable table,
            FlushPolicy policy,
            boolean ownsPolicy,
            InvalidationCounts counts) {
        super(table);
        this.factory = factory;
        this.id = id;
        this.policy = policy;
        this.ownsPolicy = ownsPolicy;
        this.counts = counts;
    }

    int id() {
        return id;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        return policy.sync(id, gather);
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return counts.sum();
    }

    @Override
    public void close() {
        super.close();
        if (ownsPolicy) {
            policy.close();
        }
        factory.closed(this);
    }
}
