package org.iommu4j.emulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/**
 * A machine in software: memory, VT-d units and devices whose DMA goes through them.
 *
 * <p>Memory begins at physical address 0, without a gap; the memory for tables lies above the rest.
 * Registers lie beside it, not in it: the first unit's at 0xfed90000, one every 4 KiB. Devices
 * reach all of it but 0xfee00000 to 0xfeefffff, where a write is an interrupt: as an I/O virtual
 * address that is never translated and reaches nothing (the outcome's code is {@link
 * org.iommu4j.machine.DmaOutcome#UNKNOWN}, and no fault is recorded); as what a translation comes
 * to it is blocked (code 0xe). An address without memory behind it reaches nothing in the same way.
 *
 * <p>The devices are 0000:00:01.0, 0000:00:02.0 and so on; with several units they are dealt out to
 * the buses 00, 01 and so on, one a unit.
 */
public final class EmulatedMachine implements Machine {

    private static final int DEVICES_A_BUS = 31;

    private final PhysicalMemory memory;
    private final PhysicalMemory tableMemory;
    private final int hostAddressWidth;
    private final Oversight oversight;
    private final List<EmulatedUnit> units = new ArrayList<>();
    private final List<BusMaster> devices = new ArrayList<>();

    private EmulatedMachine(EmulatorOptions options) {
        long size = options.memory() + options.tableMemory();
        PhysicalMemory raw = PhysicalMemory.allocate(size);
        this.oversight = Oversight.of(options, raw);
        this.memory = oversight.memory();
        this.tableMemory = memory.part(options.memory(), options.tableMemory());
        this.hostAddressWidth = options.hostAddressWidth();
        for (int i = 0; i < options.units(); i++) {
            units.add(new EmulatedUnit(options, i, raw, oversight));
        }
        DataPath data = new DataPath(raw);
        for (int i = 0; i < options.devices(); i++) {
            int bus = i % options.units();
            int place = i / options.units();
            SourceId source =
                    new SourceId(0, bus, 1 + place % DEVICES_A_BUS, place / DEVICES_A_BUS);
            devices.add(new BusMaster(source, units.get(bus), data, oversight.audit()));
        }
    }

    /**
     * Makes a machine.
     *
     * @param options what it is made of
     * @return the machine, which the caller closes
     * @throws IllegalArgumentException if the memory does not fit into the width of host addresses,
     *     or there is no unit that can do what the options say
     */
    public static EmulatedMachine create(EmulatorOptions options) {
        options.requireConsistent();
        long most = 1L << options.hostAddressWidth();
        if (options.memory() > most || options.tableMemory() > most - options.memory()) {
            throw new IllegalArgumentException(
                    "0x"
                            + Long.toHexString(options.memory())
                            + " bytes of memory and 0x"
                            + Long.toHexString(options.tableMemory())
                            + " for tables; both together at most 0x"
                            + Long.toHexString(most)
                            + " are legal with "
                            + options.hostAddressWidth()
                            + " bits of host address");
        }
        return new EmulatedMachine(options);
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
        return List.copyOf(units);
    }

    @Override
    public List<Device> devices() {
        return List.copyOf(devices);
    }

    @Override
    public Witness witness() {
        return oversight.witness();
    }

    @Override
    public Optional<Sanitizer> sanitizer() {
        return oversight.sanitizer();
    }

    /** Ends the devices: their calls throw {@link IllegalStateException} then. Idempotent. */
    @Override
    public void close() {
        devices.forEach(BusMaster::close);
        units.forEach(EmulatedUnit::close);
    }
}
