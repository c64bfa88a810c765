package org.iommu4j.benchmarks;

import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;

/** The machine in software that benchmarks use: one unit, two devices, and nobody who checks. */
final class EmulatedUnits {

    /** How many translations the unit keeps. */
    static final int IOTLB_ENTRIES = 4096;

    private static final long MEMORY = 256L << 20;

    private EmulatedUnits() {}

    static EmulatedMachine machine() {
        return EmulatedMachine.create(
                EmulatorOptions.legacy()
                        .memory(MEMORY)
                        .iotlbEntries(IOTLB_ENTRIES)
                        .sanitizer(false));
    }
}
