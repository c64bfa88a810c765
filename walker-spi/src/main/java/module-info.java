import org.iommu4j.walker.PageTableFormatProvider;
import org.iommu4j.walker.TableAllocatorProvider;
import org.iommu4j.walker.limit.QuotaProvider;
import org.iommu4j.walker.limit.ReserveProvider;
import org.iommu4j.walker.slab.SlabProvider;
import org.jspecify.annotations.NullMarked;

/**
 * What a page-table format is, written as data, and where table pages come from. An author of a
 * format or of an allocator needs this module and no other.
 */
@NullMarked
module org.iommu4j.walker {
    requires transitive org.iommu4j.api;
    requires static transitive org.jspecify;

    exports org.iommu4j.walker;

    uses PageTableFormatProvider;
    uses TableAllocatorProvider;

    provides TableAllocatorProvider with
            QuotaProvider,
            ReserveProvider,
            SlabProvider;
}
