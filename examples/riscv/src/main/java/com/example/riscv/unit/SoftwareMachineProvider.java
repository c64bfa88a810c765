package com.example.riscv.unit;

import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;

/** Provides {@code riscv-software}: a machine with a RISC-V IOMMU, in software. */
public final class SoftwareMachineProvider implements MachineProvider {

    /** For the service loader. */
    public SoftwareMachineProvider() {}

    @Override
    public String name() {
        return "riscv-software";
    }

    @Override
    public Machine create(long memoryBytes) {
        return new SoftwareMachine(memoryBytes, UnitModel.USUAL);
    }
}
