package org.iommu4j.vtd;

import org.iommu4j.emulator.EmulatorOptions;

/** In which mode a unit is driven, and which stage is usual there. */
enum UnitMode {
    LEGACY,
    SECOND_STAGE,
    FIRST_STAGE;

    /** A unit that leaves the driver nothing else. */
    EmulatorOptions of(EmulatorOptions unit) {
        return switch (this) {
            case LEGACY -> unit;
            case SECOND_STAGE -> unit.scalable(true);
            case FIRST_STAGE -> unit.scalable(true).secondStage(false);
        };
    }

    /** The width that a domain has which is as wide, or the least above. */
    int width(int secondStage) {
        return this == FIRST_STAGE ? Math.max(48, secondStage) - 1 : secondStage;
    }
}
