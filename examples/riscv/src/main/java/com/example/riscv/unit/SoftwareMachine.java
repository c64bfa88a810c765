package com.example.riscv.unit;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/** A machine with one RISC-V IOMMU in software. */
public final class SoftwareMachine implements Machine {

    private static final int FEWEST_PAGES = 64;
    private static final long MOST_TABLE_MEMORY = 64 << 20;

    private final PhysicalMemory memory;
    private final PhysicalMemory tableMemory;
    private final int hostAddressWidth;
    private final TableSanitizer sanitizer = new TableSanitizer();
    private final SoftwareUnit unit;
    private final List<BusMaster> devices;

    /**
     * Makes a machine, a quarter of whose memory, 64 MiB at most, is for tables.
     *
     * @param memoryBytes the size of its memory; a multiple of 4096, and 64 pages at least
     * @param model what kind of unit it has
     * @throws IllegalArgumentException if the size is not legal
     */
    public SoftwareMachine(long memoryBytes, UnitModel model) {
        if (memoryBytes < (long) FEWEST_PAGES * PhysicalMemory.PAGE_SIZE) {
            throw new IllegalArgumentException(
                    "a memory of " + memoryBytes + " bytes; 262144 at least are legal");
        }
        this.memory = PhysicalMemory.allocate(memoryBytes);
        long tables = Math.min(MOST_TABLE_MEMORY, memoryBytes / 4) & -PhysicalMemory.PAGE_SIZE;
        this.tableMemory = memory.part(memoryBytes - tables, tables);
        this.hostAddressWidth = (int) (model.capabilities() >>> 32) & 0x3f;
        this.unit = new SoftwareUnit(memory, model, sanitizer);
        this.devices =
                IntStream.range(0, model.devices())
                        .mapToObj(i -> new BusMaster(new SourceId(0, 0, i + 1, 0), unit, memory))
                        .toList();
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
        return hostAddressWidth;
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return List.of(unit);
    }

    @Override
    public List<Device> devices() {
        return List.copyOf(devices);
    }

    @Override
    public Witness witness() {
        return sanitizer;
    }

    @Override
    public Optional<Sanitizer> sanitizer() {
        return Optional.of(sanitizer);
    }

    @Override
    public void close() {
        devices.forEach(BusMaster::close);
    }
}
