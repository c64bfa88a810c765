package org.iommu4j.vtd;

import java.util.List;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.SourceId;

/** Holds a domain against the unit that a device's requests pass, before anything changes (L3). */
final class DomainFit {

    private static final List<Feature> STAGES =
            List.of(Feature.FIRST_STAGE, Feature.SECOND_STAGE, Feature.PASS_THROUGH);

    private final Route route;
    private final VtdDomain domain;
    private final UnitCapabilities can;
    private final String what;

    private DomainFit(Route route, VtdDomain domain) {
        this.route = route;
        this.domain = domain;
        this.can = route.unit().capabilities();
        this.what = "attaching a domain to " + route.unit().name();
    }

    /**
     * Requires that requests can go through a domain.
     *
     * @param route whose requests
     * @param domain the domain
     * @throws IllegalArgumentException if the unit takes no such process address space id
     * @throws UnsupportedFeatureException if the domain does not fit
     */
    static void require(Route route, VtdDomain domain) {
        DomainFit fit = new DomainFit(route, domain);
        fit.requirePasid();
        fit.requireStage();
        fit.requirePageRequests();
        domain.dirtyBits().requireKept(route);
        if (domain.stage() != Stage.PASS_THROUGH) {
            fit.requireWidth();
            fit.requirePageSizes();
        }
    }

    private void requirePasid() {
        if (route.pasid() == SourceId.NO_PASID) {
            return;
        }
        if (can.pasidBits() == 0) {
            throw new UnsupportedFeatureException(
                    Feature.PASID,
                    what + " with the PASID 0x" + Integer.toHexString(route.pasid()));
        }
        int end = 1 << Math.min(can.pasidBits(), PasidTables.PASID_BITS);
        if (route.pasid() < 1 || route.pasid() >= end) {
            throw new IllegalArgumentException(
                    "the PASID 0x"
                            + Integer.toHexString(route.pasid())
                            + "; 0x1 to 0x"
                            + Integer.toHexString(end - 1)
                            + " are legal: "
                            + route.unit().name()
                            + " takes "
                            + can.pasidBits()
                            + " bits, and a PASID directory of one page "
                            + PasidTables.PASID_BITS);
        }
    }

    private void requireStage() {
        if (!can.has(domain.stage())) {
            String mode = can.isScalable() ? "scalable" : "legacy";
            throw new UnsupportedFeatureException(
                    STAGES.get(domain.stage().ordinal()), what + ", which is in " + mode + " mode");
        }
    }

    private void requirePageRequests() {
        if (!domain.takesPageRequests()) {
            return;
        }
        if (!can.takesPageRequests()) {
            throw new UnsupportedFeatureException(Feature.PAGE_REQUESTS, what);
        }
        DeviceTlb tlb = route.tlb();
        if (tlb == null || !tlb.requestsPages()) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_REQUESTS,
                    what + " for " + route + ", which cannot ask for missing pages");
        }
    }

    private void requireWidth() {
        if (!can.fits(domain.stage(), domain.levels(), domain.addressWidth())) {
            throw new UnsupportedFeatureException(
                    Feature.ADDRESS_WIDTH,
                    what
                            + ", which translates "
                            + can.addressWidths(domain.stage())
                            + " bits and not the domain's "
                            + domain.addressWidth());
        }
    }

    private void requirePageSizes() {
        long sizes = can.pageSizes(domain.stage());
        if ((domain.pageSizes() & ~sizes) != 0) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_SIZES,
                    what
                            + ", whose page sizes are 0x"
                            + Long.toHexString(sizes)
                            + ", OR-ed together, and not the domain's 0x"
                            + Long.toHexString(domain.pageSizes()));
        }
    }
}
