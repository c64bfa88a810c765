package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;

/** A machine of scripted units, and of devices that do no DMA. */
final class ScriptedMachine implements Machine {

    static final long BYTES = 1 << 24;

    private final PhysicalMemory memory = PhysicalMemory.allocate(BYTES);
    private final List<ScriptedUnit> units = new ArrayList<>();
    private final List<Device> devices = new ArrayList<>();

    /** Adds a unit, made of the memory, for the next bus. */
    ScriptedUnit with(Function<PhysicalMemory, ScriptedUnit> unit) {
        units.add(unit.apply(memory));
        return units.getLast();
    }

    /** Adds a unit of capabilities, for the next bus. */
    ScriptedUnit with(long cap, long ecap) {
        return with(there -> new ScriptedUnit(there, cap, ecap, units.size()));
    }

    /** Adds a device. */
    void add(Device device) {
        devices.add(device);
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public PhysicalMemory tableMemory() {
        return memory;
    }

    @Override
    public int hostAddressWidth() {
        return 46;
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return List.copyOf(units);
    }

    @Override
    public List<Device> devices() {
        return List.copyOf(devices);
    }

    @Override
    public void close() {}
}
