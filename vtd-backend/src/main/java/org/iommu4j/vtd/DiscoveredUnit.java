package org.iommu4j.vtd;

import org.iommu4j.api.IommuException;
import org.iommu4j.api.Stage;
import org.iommu4j.machine.RemappingUnit;

/**
 * A unit that was found and can be driven; nothing of it has been changed.
 *
 * @param unit which devices it covers
 * @param registers its registers
 * @param capabilities what it says of itself
 */
record DiscoveredUnit(RemappingUnit unit, UnitRegisters registers, UnitCapabilities capabilities) {

    private static final int FAULT_RECORD_BYTES = 16;

    /**
     * Reads what a unit can do.
     *
     * @param unit the unit
     * @param patience how long to wait for it, ever
     * @return the unit
     * @throws IommuException if it lacks what this backend needs
     */
    static DiscoveredUnit of(RemappingUnit unit, Patience patience) {
        UnitRegisters registers = new UnitRegisters(unit.registers(), patience);
        int version = registers.read32(UnitRegisters.VER);
        UnitCapabilities capabilities =
                new UnitCapabilities(
                        registers.read64(UnitRegisters.CAP), registers.read64(UnitRegisters.ECAP));
        String who = registers.unit() + " (" + capabilities + ")";
        if (version == 0 || version == -1) {
            throw new IommuException(
                    "nothing answers as "
                            + who
                            + ": VER is "
                            + UnitRegisters.hex(version)
                            + ", where 0x10 and above are legal");
        }
        if (!capabilities.hasQueue()) {
            throw new IommuException(
                    who + " has no invalidation queue: ECAP.QI is 0, and must be 1");
        }
        if (!capabilities.isScalable() && capabilities.addressWidths(Stage.SECOND).isEmpty()) {
            throw new IommuException(
                    who
                            + " walks second-stage tables of none of 39, 48 and 57 bits: CAP.SAGAW has"
                            + " none of the bits 1 to 3");
        }
        long end =
                capabilities.faultRecordOffset()
                        + (long) capabilities.faultRecords() * FAULT_RECORD_BYTES;
        if (end > registers.size()) {
            throw new IommuException(
                    who
                            + " has fault records up to 0x"
                            + Long.toHexString(end)
                            + " in a region of 0x"
                            + Long.toHexString(registers.size())
                            + " bytes");
        }
        return new DiscoveredUnit(unit, registers, capabilities);
    }
}
