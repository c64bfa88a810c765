import org.iommu4j.api.IommuProvider;
import org.iommu4j.vtd.VtdFormatProvider;
import org.iommu4j.vtd.VtdIommuProvider;
import org.iommu4j.walker.PageTableFormatProvider;
import org.jspecify.annotations.NullMarked;

/**
 * The backend for Intel VT-d: its formats, registers, tables and queues. It exports nothing; it is
 * reached through the services that it provides.
 */
@NullMarked
module org.iommu4j.vtd {
    requires org.iommu4j.pagetable;
    requires org.apache.logging.log4j;
    requires dagger;
    requires jakarta.inject;
    requires jdk.jfr;
    requires static org.jspecify;

    provides IommuProvider with
            VtdIommuProvider;
    provides PageTableFormatProvider with
            VtdFormatProvider;
}
