package org.iommu4j.vtd;

import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.api.DomainStatistics;

/** What was sent to the unit for one domain; summed when asked. */
final class InvalidationCounts {

    private final LongAdder page = new LongAdder();
    private final LongAdder domain = new LongAdder();
    private final LongAdder global;
    private final long globalBefore;

    /**
     * Begins at nothing.
     *
     * @param global the requests to the unit that concern every domain
     */
    InvalidationCounts(LongAdder global) {
        this.global = global;
        this.globalBefore = global.sum();
    }

    void countPage() {
        page.increment();
    }

    void countDomain() {
        domain.increment();
    }

    DomainStatistics.Invalidations sum() {
        return new DomainStatistics.Invalidations(
                page.sum(), domain.sum(), global.sum() - globalBefore);
    }
}
