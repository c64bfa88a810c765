import org.jspecify.annotations.NullMarked;

/**
 * Reads the VT-d tables in a physical-memory image: what they map, what is wrong with them, and why
 * one translation ends as it does. It only reads, and trusts nothing that it reads.
 */
@NullMarked
module org.iommu4j.inspector {
    requires transitive org.iommu4j.walker;
    requires static transitive org.jspecify;
    requires com.fasterxml.jackson.core;
    requires org.tukaani.xz;

    exports org.iommu4j.inspector;
}
