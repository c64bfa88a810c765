package com.example.riscv;

import java.util.List;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.RemappingUnit;

/** Provides {@code riscv}: an IOMMU as RISC-V has it. */
public final class RiscvIommuProvider implements IommuProvider {

    static final String NAME = "riscv";

    /** For the service loader. */
    public RiscvIommuProvider() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Iommu open(IommuOptions options) {
        options.machine().ifPresent(RiscvIommuProvider::requireFit);
        return RiscvIommu.open(options);
    }

    /** One unit: a domain's ids and its invalidations are those of one. */
    private static void requireFit(Machine machine) {
        List<RemappingUnit> units = machine.remappingUnits();
        if (units.size() != 1) {
            throw new UnsupportedFeatureException(
                    Feature.ATTACH,
                    "a machine with " + units.size() + " remapping units; exactly one is legal");
        }
        UnitCapabilities found = new UnitRegisters(units.getFirst().registers()).capabilities();
        if (!found.isKnown()) {
            throw new UnsupportedFeatureException(
                    Feature.ATTACH,
                    "a unit that is no RISC-V IOMMU of version 1.0: its first register is 0x"
                            + Long.toHexString(found.register()));
        }
    }
}
