package ${package};

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;
import org.iommu4j.walker.TableAllocator;

/** A domain: the engine does the work; this says how what changed is flushed. */
final class BackendDomain extends PageTableDomain {

    private final Backend backend;
    private final int id;
    private final TableAllocator pages;
    private final FlushPolicy policy;

    BackendDomain(
            Backend backend, int id, PageTable table, TableAllocator pages, FlushPolicy policy) {
        super(table);
        this.backend = backend;
        this.id = id;
        this.pages = pages;
        this.policy = policy;
    }

    TableAllocator pages() {
        return pages;
    }

    FlushPolicy policy() {
        return policy;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        return policy.sync(id, gather);
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return backend.invalidations().of(id);
    }

    @Override
    public void close() {
        super.close();
        backend.closed(this);
    }
}
