package com.example.riscv;

import java.util.List;
import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocator;

/**
 * One IOMMU under control from {@link #start} to {@link #stop}: its device directory, its command
 * queue, its fault queue.
 *
 * <p>{@link #attach} and {@link #detach} exclude each other; any thread may call everything else.
 */
final class Unit {

    private static final int SEGMENT_SHIFT = 16;

    private final RemappingUnit found;
    private final UnitRegisters registers;
    private final int mostDevices;
    private final TableAllocator allocator;
    private final PageList pages = new PageList();
    private final DeviceDirectory directory;
    private final CommandQueue commands;
    private final FaultQueue faults;

    /**
     * Prepares to take a unit over; it is not touched.
     *
     * @param found the unit, of which {@link UnitCapabilities#isKnown} is true
     * @param devices the devices of its machine
     * @param memory where tables and queues are
     * @param allocator gives pages of it
     * @throws TableMemoryExhaustedException if there are not the four pages it takes
     */
    Unit(
            RemappingUnit found,
            List<Device> devices,
            PhysicalMemory memory,
            TableAllocator allocator) {
        this.found = found;
        this.registers = new UnitRegisters(found.registers());
        this.mostDevices = devices.stream().mapToInt(d -> deviceId(d.source())).max().orElse(0);
        this.allocator = allocator;
        if (!allocator.reserveZeroed(3, pages)) {
            throw new TableMemoryExhaustedException(3, allocator.free());
        }
        this.commands = new CommandQueue(registers, memory, pages.get(0), pages.get(1));
        this.faults = new FaultQueue(registers, memory, pages.get(2));
        try {
            boolean extended = registers.capabilities().hasExtendedContexts();
            this.directory = new DeviceDirectory(memory, allocator, extended);
        } catch (RuntimeException e) {
            allocator.giveBack(pages);
            throw e;
        }
    }

    /**
     * Takes the unit over, whatever was on: from here on it translates, and blocks every device.
     *
     * @throws UnitTimeoutException if it does not answer
     * @throws IommuException if its device directories are too small
     */
    void start() {
        registers.directory(0, 0);
        commands.start();
        faults.start();
        commands.complete(
                Command.everyDevice(), Command.everyFirstStage(), Command.everySecondStage());
        if (!directory.start(registers, mostDevices)) {
            throw new IommuException(
                    registers.unit()
                            + " has no device directory for the device id 0x"
                            + Integer.toHexString(mostDevices));
        }
    }

    /**
     * Leaves the unit quiet: it blocks every device and works off nothing. Then gives its pages
     * back.
     *
     * @throws UnitTimeoutException if it does not answer; no page is given back then
     */
    void stop() {
        registers.directory(0, 0);
        commands.stop();
        faults.stop();
        directory.free();
        allocator.giveBack(pages);
    }

    UnitCapabilities capabilities() {
        return registers.capabilities();
    }

    boolean covers(SourceId device) {
        return found.covers(device) && directory.holds(deviceId(device));
    }

    /**
     * Sends a device's requests through a domain. An entry that was not valid is remembered by no
     * unit, so nothing must be forgotten (RISC-V IOMMU, Caching invalid entries).
     *
     * @throws TableMemoryExhaustedException if there is no page; nothing has changed
     */
    synchronized void attach(SourceId device, RiscvDomain domain) {
        directory.set(deviceId(device), domain.context(), domain.mode(), domain.root());
    }

    /**
     * Ends what {@link #attach} began: when this returns, no request of the device goes through the
     * domain any more. May be called again after it failed.
     *
     * @throws IommuException if the unit failed; the device may still reach the domain's memory
     */
    synchronized void detach(SourceId device, RiscvDomain domain) {
        directory.clear(deviceId(device));
        commands.complete(Command.device(deviceId(device)), Command.all(domain.context()));
    }

    CommandQueue commands() {
        return commands;
    }

    /** Hands on every recorded fault; true if some were lost. */
    boolean takeFaults(Consumer<? super DmaFault> taker) {
        return faults.take(taker);
    }

    /** {@return the id by which a unit knows a device} */
    static int deviceId(SourceId source) {
        return source.segment() << SEGMENT_SHIFT | source.requester();
    }

    /** {@return the device that a unit knows by an id} */
    static SourceId source(int deviceId) {
        return new SourceId(
                deviceId >>> SEGMENT_SHIFT,
                deviceId >>> 8 & 0xff,
                deviceId >>> 3 & 0x1f,
                deviceId & 7);
    }
}
