package com.example.riscv;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;
import org.iommu4j.walker.TableAllocator;

/** A domain: page tables, and the name by which the unit knows what it holds of them. */
final class RiscvDomain extends PageTableDomain {

    private static final int MODE_OF_THREE_LEVELS = 8;

    private final Domains domains;
    private final SoftContext context;
    private final TableAllocator pages;
    private final FlushPolicy policy;
    private int devices;
    private boolean closing;

    RiscvDomain(
            Domains domains,
            SoftContext context,
            PageTable table,
            TableAllocator pages,
            FlushPolicy policy) {
        super(table);
        this.domains = domains;
        this.context = context;
        this.pages = pages;
        this.policy = policy;
    }

    Domains domains() {
        return domains;
    }

    SoftContext context() {
        return context;
    }

    TableAllocator pages() {
        return pages;
    }

    FlushPolicy policy() {
        return policy;
    }

    long root() {
        return table().root();
    }

    /** {@return how the unit reads the tables: Sv39 is 8, Sv48 9, Sv57 10; so are their x4} */
    int mode() {
        return MODE_OF_THREE_LEVELS + table().format().levels() - RiscvFormats.FEWEST_LEVELS;
    }

    /**
     * A device is about to be attached.
     *
     * @throws IllegalStateException if the domain is closed
     */
    synchronized void enter() {
        if (closing) {
            throw new IllegalStateException("the domain is closed");
        }
        devices++;
    }

    /** A device that had {@linkplain #enter entered} is detached. */
    synchronized void leave() {
        devices--;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        return policy.sync(context.number(), gather);
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return domains.invalidations(context);
    }

    @Override
    protected synchronized void beforeClose() {
        if (devices > 0) {
            throw new IllegalStateException(
                    "the domain has "
                            + devices
                            + (devices == 1 ? " device" : " devices")
                            + " attached; close the attachments first");
        }
        closing = true;
    }

    @Override
    public void close() {
        super.close();
        domains.closed(this);
    }
}
