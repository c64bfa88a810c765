package org.iommu4j.benchmarks;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/**
 * A domain as a user has it, whose gathers are completed at once unless it is opened with a policy.
 * One thread's: it holds the gather of that thread.
 */
final class BusyDomain implements AutoCloseable {

    static final long PAGE = 0x1000;
    static final long LARGE = 1L << 21;
    static final long HUGE = 1L << 30;

    /** Where the ranges begin that benchmarks map. */
    static final long IOVA = 256 * HUGE;

    /** What {@link #IOVA} is mapped to. */
    static final long OUTPUT = 64 * HUGE;

    private static final long TABLE_MEMORY = 1L << 30;

    private final Iommu iommu;
    final IommuDomain domain;
    final IotlbGather gather;

    private BusyDomain(Iommu iommu, IommuDomain domain) {
        this.iommu = iommu;
        this.domain = domain;
        this.gather = domain.gather();
    }

    /** A domain of a unit that snoops the processor's cache. */
    static BusyDomain coherent(DomainOptions options) {
        return over(PhysicalMemory.allocate(TABLE_MEMORY), "none", options);
    }

    /** A domain of a unit that does not. */
    static BusyDomain nonCoherent(DomainOptions options) {
        return over(PhysicalMemory.allocate(TABLE_MEMORY), "line", options);
    }

    /** A coherent domain whose tables lie in this memory. */
    static BusyDomain in(PhysicalMemory memory, DomainOptions options) {
        return over(memory, "none", options);
    }

    private static BusyDomain over(
            PhysicalMemory memory, String cacheFlusher, DomainOptions options) {
        return open(
                IommuOptions.memoryOnly(memory)
                        .with(FlushPolicyProvider.class, new NoInvalidation())
                        .with(CacheFlusherProvider.class, cacheFlusher),
                options);
    }

    /** A domain of a unit with what it stands on and the policies that it is given. */
    static BusyDomain open(IommuOptions unit, DomainOptions options) {
        Iommu iommu = Iommu.open("vtd", unit);
        return new BusyDomain(iommu, iommu.createDomain(options));
    }

    /** Lets a device use the domain. */
    void attach(SourceId device) {
        iommu.attach(device, domain);
    }

    /** The same domain for another thread. */
    BusyDomain forAnotherThread() {
        return new BusyDomain(iommu, domain);
    }

    /** Another domain of the same unit. */
    BusyDomain sibling(DomainOptions options) {
        return new BusyDomain(iommu, iommu.createDomain(options));
    }

    void map(long iova, long size) {
        domain.map(iova, iova - IOVA + OUTPUT, size, Access.READ_WRITE);
    }

    void unmap(long iova, long size) {
        domain.unmap(iova, size, gather);
        domain.sync(gather);
    }

    void split(long iova, long size, long pageSize) {
        domain.split(iova, size, pageSize, gather);
        domain.sync(gather);
    }

    /** Merges leaves as far as it goes; returns how many are merged away. */
    long coalesce(long iova, long size) {
        long merged = domain.coalesce(iova, size, gather);
        domain.sync(gather);
        return merged;
    }

    /** Closes the unit with all of its domains. */
    @Override
    public void close() {
        iommu.close();
    }
}
