import org.iommu4j.emulator.EmulatorProvider;
import org.iommu4j.machine.MachineProvider;
import org.jspecify.annotations.NullMarked;

/**
 * A machine in software: a VT-d unit with its caches, written from the specification, devices that
 * do DMA through it, and the sanitizer that holds what software believes against what the unit
 * does. It shares no code with the engine or the backend.
 */
@NullMarked
module org.iommu4j.emulator {
    requires transitive org.iommu4j.machine;
    requires static transitive org.jspecify;

    exports org.iommu4j.emulator;

    provides MachineProvider with
            EmulatorProvider;
}
