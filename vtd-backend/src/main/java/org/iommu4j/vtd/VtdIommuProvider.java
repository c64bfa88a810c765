package org.iommu4j.vtd;

import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.UnsupportedFeatureException;

/** Provides {@code vtd}: Intel VT-d. */
public final class VtdIommuProvider implements IommuProvider {

    static final String NAME = "vtd";

    private static final int RANK = 100;

    /** For the service loader. */
    public VtdIommuProvider() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Iommu open(IommuOptions options) {
        if (options.machine().isPresent()) {
            throw new UnsupportedFeatureException(
                    Feature.ATTACH,
                    "vtd does not drive the remapping units of a machine; page tables without hardware"
                            + " are opened with IommuOptions.memoryOnly");
        }
        return DaggerVtdComponent.factory().create(options).iommu();
    }
}
