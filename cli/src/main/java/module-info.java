import org.jspecify.annotations.NullMarked;

/**
 * The {@code iommu4j} command. It prints to the terminal and decides the exit code; all else is the
 * work of the modules below.
 */
@NullMarked
module org.iommu4j.cli {
    requires org.iommu4j.pagetable;
    requires static org.jspecify;
}
