import org.iommu4j.api.IommuProvider;
import org.jspecify.annotations.NullMarked;

/**
 * What a user of an IOMMU calls: units, domains, mappings, gathers and faults. A backend provides
 * an {@code IommuProvider} and is found by {@link java.util.ServiceLoader}.
 */
@NullMarked
module org.iommu4j.api {
    requires transitive org.iommu4j.machine;
    requires static transitive org.jspecify;

    exports org.iommu4j.api;

    uses IommuProvider;
}
