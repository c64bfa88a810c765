import org.jspecify.annotations.NullMarked;

/**
 * The numbered rules as contracts: objects that are run against an implementation and say what they
 * saw. JUnit is needed only by who uses the adapter in {@code org.iommu4j.conformance.junit}.
 */
@NullMarked
module org.iommu4j.conformance {
    requires transitive org.iommu4j.flush;
    requires transitive org.iommu4j.walker;
    requires static transitive org.jspecify;
    requires static org.junit.jupiter.api;

    exports org.iommu4j.conformance;
    exports org.iommu4j.conformance.backend;
    exports org.iommu4j.conformance.junit;
}
