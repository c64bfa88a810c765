package com.example.riscv.unit;

import java.util.Map;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.ProviderParameters;

/**
 * Provides {@code riscv-software}: a machine with a RISC-V IOMMU, in software; with a number of
 * devices, {@code riscv-software:devices=16}.
 */
public final class SoftwareMachineProvider implements MachineProvider {

    private static final String NAME = "riscv-software";

    private final UnitModel model;

    /** For the service loader. */
    public SoftwareMachineProvider() {
        this(UnitModel.USUAL);
    }

    private SoftwareMachineProvider(UnitModel model) {
        this.model = model;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Machine create(long memoryBytes) {
        return new SoftwareMachine(memoryBytes, model);
    }

    @Override
    public MachineProvider configured(Map<String, String> parameters) {
        ProviderParameters given =
                new ProviderParameters(NAME, parameters, "devices=1 to devices=31");
        long devices = given.number("devices", model.devices(), 1, UnitModel.MOST_DEVICES);
        given.requireAllRead();
        return new SoftwareMachineProvider(model.withDevices((int) devices));
    }
}
