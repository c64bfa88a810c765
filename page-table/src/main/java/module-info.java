import org.jspecify.annotations.NullMarked;

/**
 * The engine on which every backend lives: map, unmap, cut, split, coalesce, translate and track
 * writes, over any page-table format. It changes live tables without a moment in which a walk of
 * the hardware misses.
 */
@NullMarked
module org.iommu4j.pagetable {
    requires transitive org.iommu4j.walker;
    requires transitive org.iommu4j.flush;
    requires static transitive org.jspecify;
    requires jdk.jfr;

    exports org.iommu4j.pagetable;
}
