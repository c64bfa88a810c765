import ${package}.BackendProvider;
import ${package}.FormatProvider;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.walker.PageTableFormatProvider;

/** A backend of iommu4j: found by the name "${backend}"; nobody needs to see its classes. */
module ${package} {
    requires org.iommu4j.pagetable;

    provides IommuProvider with
            BackendProvider;
    provides PageTableFormatProvider with
            FormatProvider;
}
