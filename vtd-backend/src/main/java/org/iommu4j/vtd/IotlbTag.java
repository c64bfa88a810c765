package org.iommu4j.vtd;

import org.iommu4j.api.Stage;
import org.iommu4j.machine.SourceId;

/**
 * What a unit tags a domain's translations with, and so how it is asked to forget them (VT-d,
 * Tagging of Cached Translations): the domain id; in scalable mode, outside of the second stage,
 * the process address space id too.
 *
 * @param unit the unit
 * @param domainId the domain id
 * @param pasid the process address space id, or {@link SourceId#NO_PASID} if it is no tag
 */
record IotlbTag(Unit unit, int domainId, int pasid) {

    /** The tag of what a route caches of a domain. */
    static IotlbTag of(Route route, VtdDomain domain) {
        return of(route, domain.id());
    }

    /** The tag of what a route caches under a domain id. */
    static IotlbTag of(Route route, DomainId id) {
        boolean byPasid = route.unit().capabilities().isScalable() && id.stage() != Stage.SECOND;
        return new IotlbTag(
                route.unit(), id.value(), byPasid ? route.taggedPasid() : SourceId.NO_PASID);
    }

    /**
     * Asks the unit to forget an aligned range that has the tag; makes no object, where it is not
     * everything.
     *
     * @param iova the first I/O virtual address, in bytes
     * @param order the range is {@code 4096 << order} bytes; {@link Descriptor#WHOLE_ORDER} for
     *     everything
     * @param leafOnly no table in the range has changed
     * @return the unit's number of the request
     */
    long forget(long iova, int order, boolean leafOnly) {
        if (order == Descriptor.WHOLE_ORDER) {
            return unit.submit(everything());
        }
        long what =
                pasid == SourceId.NO_PASID
                        ? Descriptor.pages(unit.capabilities(), domainId)
                        : Descriptor.pagesOfPasid(domainId, pasid);
        return unit.submit(what, Descriptor.range(iova, order, leafOnly));
    }

    /** The request to forget all that has the tag. */
    Descriptor everything() {
        return pasid == SourceId.NO_PASID
                ? Descriptor.translationsOf(unit.capabilities(), domainId)
                : Descriptor.translationsOfPasid(domainId, pasid);
    }
}
