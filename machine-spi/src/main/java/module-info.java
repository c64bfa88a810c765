import org.iommu4j.machine.MachineProvider;
import org.jspecify.annotations.NullMarked;

/**
 * The world that an IOMMU driver works in: physical memory, registers, devices that do DMA, and the
 * witness who hears what the driver believes. Whoever offers such a world, real or emulated,
 * implements this module; it knows of nothing else.
 */
@NullMarked
module org.iommu4j.machine {
    requires static transitive org.jspecify;

    exports org.iommu4j.machine;

    uses MachineProvider;
}
