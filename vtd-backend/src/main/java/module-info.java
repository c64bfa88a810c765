import org.jspecify.annotations.NullMarked;

/**
 * The backend for Intel VT-d: its formats, registers, tables and queues. It exports nothing; it is
 * reached through the service that it provides.
 */
@NullMarked
module org.iommu4j.vtd {
    requires org.iommu4j.pagetable;
    requires static org.jspecify;
}
