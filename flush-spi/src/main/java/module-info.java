import org.jspecify.annotations.NullMarked;

/**
 * What invalidates an IOMMU's caches, what decides when, and what writes the processor's caches
 * back. A backend offers the first; policies and flushers are chosen by name or rank.
 */
@NullMarked
module org.iommu4j.flush {
    requires transitive org.iommu4j.api;
    requires static transitive org.jspecify;

    exports org.iommu4j.flush;
}
