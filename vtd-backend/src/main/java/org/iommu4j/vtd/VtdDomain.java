package org.iommu4j.vtd;

import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;
import org.iommu4j.walker.TableAllocator;

/** A domain of VT-d: page tables, and the domain id by which the units know them. */
final class VtdDomain extends PageTableDomain {

    private final DomainFactory factory;
    private final DomainId id;
    private final TableAllocator pages;
    private final FlushPolicy policy;
    private final boolean ownsPolicy;
    private int devices;
    private boolean closing;

    VtdDomain(
            DomainFactory factory,
            DomainId id,
            PageTable table,
            TableAllocator pages,
            FlushPolicy policy,
            boolean ownsPolicy,
            boolean additionsNeedInvalidation) {
        super(table, additionsNeedInvalidation, factory::scheduler);
        this.factory = factory;
        this.id = id;
        this.pages = pages;
        this.policy = policy;
        this.ownsPolicy = ownsPolicy;
    }

    DomainId id() {
        return id;
    }

    /** {@return the factory, by which domains of one Iommu are told from others'} */
    DomainFactory factory() {
        return factory;
    }

    /** {@return what gives its table pages} */
    TableAllocator pages() {
        return pages;
    }

    /** {@return the physical address of the root of its tables} */
    long root() {
        return table().root();
    }

    /** {@return the number of levels of its tables} */
    int levels() {
        return table().format().levels();
    }

    /** {@return the width of its I/O virtual addresses, in bits} */
    int addressWidth() {
        return table().addressWidth();
    }

    /** {@return its page sizes, in bytes, OR-ed together} */
    long pageSizes() {
        return table().pageSizes();
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

    /** Completes what was handed to the flush policy so far. */
    void drain() {
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
    protected synchronized void beforeClose() {
        if (devices > 0) {
            throw new IllegalStateException(
                    "the domain with the id 0x"
                            + Integer.toHexString(id.value())
                            + " has "
                            + devices
                            + (devices == 1 ? " device" : " devices")
                            + " attached; close the attachments first");
        }
        closing = true;
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
