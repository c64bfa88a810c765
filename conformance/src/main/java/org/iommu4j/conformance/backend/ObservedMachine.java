package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.Optional;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Witness;

/** A machine of whose memory somebody sees every access first. */
final class ObservedMachine implements Machine {

    private final Machine machine;
    private final PhysicalMemory memory;
    private final PhysicalMemory tableMemory;

    ObservedMachine(Machine machine, MemoryObserver observer) {
        this.machine = machine;
        this.memory = machine.memory().observedFirstBy(observer);
        this.tableMemory = machine.tableMemory().observedFirstBy(observer);
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public PhysicalMemory tableMemory() {
        return tableMemory;
    }

    @Override
    public int hostAddressWidth() {
        return machine.hostAddressWidth();
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return machine.remappingUnits();
    }

    @Override
    public List<Device> devices() {
        return machine.devices();
    }

    @Override
    public Witness witness() {
        return machine.witness();
    }

    @Override
    public Optional<Sanitizer> sanitizer() {
        return machine.sanitizer();
    }

    @Override
    public void close() {
        machine.close();
    }
}
