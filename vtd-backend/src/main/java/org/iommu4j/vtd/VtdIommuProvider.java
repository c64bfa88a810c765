package org.iommu4j.vtd;

import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.Machine;

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
        return open(options, Patience.USUAL);
    }

    /** Opens it with another patience than usual. */
    static Iommu open(IommuOptions options, Patience patience) {
        options.machine().ifPresent(VtdIommuProvider::requireUnits);
        VtdIommu iommu = DaggerVtdComponent.factory().create(options, patience).iommu();
        iommu.start();
        return iommu;
    }

    private static void requireUnits(Machine machine) {
        if (machine.remappingUnits().isEmpty()) {
            throw new UnsupportedFeatureException(
                    Feature.ATTACH,
                    "the machine has no remapping unit; page tables without hardware are opened"
                            + " with IommuOptions.memoryOnly");
        }
    }
}
