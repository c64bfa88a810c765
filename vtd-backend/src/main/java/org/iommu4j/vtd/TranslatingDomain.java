package org.iommu4j.vtd;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Stage;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;
import org.iommu4j.walker.TableAllocator;

/** A domain of page tables, of the first or the second stage. */
final class TranslatingDomain extends PageTableDomain implements VtdDomain {

    private final DomainFactory factory;
    private final DomainId id;
    private final DomainUse use;
    private final UnitDirtyBits dirtyBits;
    private final TableAllocator pages;
    private final FlushPolicy policy;
    private final boolean ownsPolicy;
    private final boolean pageRequests;

    /**
     * Makes a domain.
     *
     * @param factory who is told of its end
     * @param id a lent id
     * @param table its tables
     * @param pages what gives their pages
     * @param policy when what is unmapped is forgotten
     * @param ownsPolicy true if the policy ends with the domain
     * @param pageRequests true if devices may ask for missing pages
     * @param dirtyBits true if units can keep dirty bits in the tables
     * @param additionsNeedInvalidation true if units must be told of what was absent before
     */
    TranslatingDomain(
            DomainFactory factory,
            DomainId id,
            PageTable table,
            TableAllocator pages,
            FlushPolicy policy,
            boolean ownsPolicy,
            boolean pageRequests,
            boolean dirtyBits,
            boolean additionsNeedInvalidation) {
        super(table, additionsNeedInvalidation, factory::scheduler);
        this.factory = factory;
        this.id = id;
        this.use = new DomainUse(id);
        this.dirtyBits = new UnitDirtyBits(id, dirtyBits);
        this.pages = pages;
        this.policy = policy;
        this.ownsPolicy = ownsPolicy;
        this.pageRequests = pageRequests;
    }

    @Override
    public DomainFactory factory() {
        return factory;
    }

    @Override
    public DomainId id() {
        return id;
    }

    @Override
    public DomainUse use() {
        return use;
    }

    @Override
    public TableAllocator pages() {
        return pages;
    }

    @Override
    public UnitDirtyBits dirtyBits() {
        return dirtyBits;
    }

    @Override
    protected void startDirtyBits() {
        dirtyBits.start();
    }

    @Override
    protected void stopDirtyBits() {
        dirtyBits.stop();
    }

    @Override
    public boolean takesPageRequests() {
        return pageRequests;
    }

    @Override
    public long root() {
        return table().root();
    }

    @Override
    public int levels() {
        return table().format().levels();
    }

    @Override
    public int addressWidth() {
        return table().addressWidth();
    }

    @Override
    public long pageSizes() {
        return table().pageSizes();
    }

    @Override
    public void drain() {
        policy.drain();
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        return policy.sync(id.value(), gather);
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return id.counts().sum();
    }

    @Override
    protected void beforeClose() {
        use.close();
    }

    @Override
    public void close() {
        super.close();
        if (ownsPolicy) {
            policy.close();
        }
        factory.closed(this);
    }

    /** As in {@code domain 0x1 (second stage, root table at 0x3000)}. */
    @Override
    public String toString() {
        return id
                + " ("
                + (stage() == Stage.FIRST ? "first" : "second")
                + " stage, root table at 0x"
                + Long.toHexString(root())
                + ")";
    }
}
