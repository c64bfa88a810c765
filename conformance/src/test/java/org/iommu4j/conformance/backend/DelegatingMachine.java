package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.Optional;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Witness;

/** Another machine, of which a subclass changes one thing. */
public class DelegatingMachine implements Machine {

    /** The machine. */
    protected final Machine real;

    /** Over a machine. */
    public DelegatingMachine(Machine real) {
        this.real = real;
    }

    @Override
    public PhysicalMemory memory() {
        return real.memory();
    }

    @Override
    public PhysicalMemory tableMemory() {
        return real.tableMemory();
    }

    @Override
    public int hostAddressWidth() {
        return real.hostAddressWidth();
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return real.remappingUnits();
    }

    @Override
    public List<Device> devices() {
        return real.devices();
    }

    @Override
    public Witness witness() {
        return real.witness();
    }

    @Override
    public Optional<Sanitizer> sanitizer() {
        return real.sanitizer();
    }

    @Override
    public void close() {
        real.close();
    }
}
