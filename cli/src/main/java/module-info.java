import org.jspecify.annotations.NullMarked;

/**
 * The {@code iommu4j} command. It prints to the terminal and decides the exit code; all else is the
 * work of the modules below.
 */
@NullMarked
module org.iommu4j.cli {
    // Nothing of it is exported; this brings it onto the module graph of the command and of its tests.
    requires org.iommu4j.vtd;
    requires static org.jspecify;
}
