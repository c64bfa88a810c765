package org.iommu4j.pagetable;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;

/** A domain that overrides no more than it must. */
final class PlainDomain extends PageTableDomain {

    PlainDomain(PageTable table) {
        super(table);
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        gather.completed();
        return FlushCompletion.DONE;
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return new DomainStatistics.Invalidations(0, 0, 0);
    }
}
