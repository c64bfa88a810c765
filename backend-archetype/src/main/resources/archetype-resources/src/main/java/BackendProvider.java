package ${package};

import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.UnsupportedFeatureException;

/** Provides the backend "${backend}". */
public final class BackendProvider implements IommuProvider {

    static final String NAME = "${backend}";

    /** For the service loader. */
    public BackendProvider() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Iommu open(IommuOptions options) {
        if (options.machine().isPresent()) {
            throw new UnsupportedFeatureException(
                    Feature.ATTACH, "the backend ${backend} has no driver for hardware yet");
        }
        return new Backend(options);
    }
}
