package org.iommu4j.emulator;

import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Witness;
import org.jspecify.annotations.Nullable;

/**
 * What stands between software and the units of a machine, and who listens there.
 *
 * @param memory the memory as software gets it
 * @param walkMemory the tables as a unit sees them
 * @param audit who hears what the units do; null if nobody does
 * @param witness who hears what software believes
 * @param sanitizer what was found
 */
record Oversight(
        PhysicalMemory memory,
        WalkMemory walkMemory,
        @Nullable Audit audit,
        Witness witness,
        Optional<Sanitizer> sanitizer) {

    /**
     * Sets up what a machine's options ask for.
     *
     * @param options the machine's options
     * @param raw the whole memory of the machine
     */
    static Oversight of(EmulatorOptions options, PhysicalMemory raw) {
        return new Oversight(raw, raw::loadAcquire, null, Witness.NONE, Optional.empty());
    }
}
