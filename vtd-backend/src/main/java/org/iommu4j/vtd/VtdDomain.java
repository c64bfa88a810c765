package org.iommu4j.vtd;

import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Stage;
import org.iommu4j.walker.TableAllocator;

/**
 * A domain of VT-d, as the units see it: the domain id by which they know it, and where its tables
 * are, if it has any.
 */
sealed interface VtdDomain extends IommuDomain permits TranslatingDomain, PassThroughDomain {

    /** {@return the factory, by which domains of one Iommu are told from others'} */
    DomainFactory factory();

    DomainId id();

    /** {@return who uses it} */
    DomainUse use();

    /** {@return whether units keep dirty bits in its tables} */
    UnitDirtyBits dirtyBits();

    /** {@return what gives its table pages} */
    TableAllocator pages();

    /** {@return its stage} */
    default Stage stage() {
        return id().stage();
    }

    /** {@return true if its devices may ask for missing pages} */
    boolean takesPageRequests();

    /** {@return the physical address of the root of its tables; 0 without tables} */
    long root();

    /** {@return the number of levels of its tables; 0 without tables} */
    int levels();

    /** {@return the width of its I/O virtual addresses, in bits} */
    int addressWidth();

    /** {@return its page sizes, in bytes, OR-ed together; 0 without tables} */
    long pageSizes();

    /** Completes what was handed to the flush policy so far. */
    void drain();
}
