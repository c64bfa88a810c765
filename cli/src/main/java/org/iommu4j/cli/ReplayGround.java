package org.iommu4j.cli;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.cli.vm.MachineChoice;
import org.iommu4j.cli.vm.Machines;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.Sanitizer;

/**
 * What the tables of a replay stand on: memory alone, or a machine. On a machine each domain gets a
 * device as long as there are any, so that its invalidations go through a unit.
 */
final class ReplayGround implements AutoCloseable {
    /** The name of page tables without hardware. */
    static final String MEMORY_ONLY = "memory";

    /** Room for a million tables; only what is touched costs memory. */
    private static final long TABLE_MEMORY = 4L << 30;

    /** Of which a machine keeps a part for tables. */
    private static final long MACHINE_MEMORY = 64L << 30;

    private static final int DEVICES = 16;

    private final IommuOptions options;
    private final Deque<Device> idle = new ArrayDeque<>();

    private ReplayGround(IommuOptions options) {
        this.options = options;
        options.machine().ifPresent(machine -> idle.addAll(machine.devices()));
    }

    /**
     * Makes the ground.
     *
     * @param choice {@link #MEMORY_ONLY}, or a machine's provider with its parameters
     * @param machines makes machines
     * @throws IllegalArgumentException if there is no such machine
     */
    static ReplayGround of(String choice, Machines machines) {
        if (choice.equals(MEMORY_ONLY)) {
            return new ReplayGround(IommuOptions.memoryOnly(TABLE_MEMORY));
        }
        String configured = MachineChoice.with(choice, "devices", Integer.toString(DEVICES));
        return new ReplayGround(IommuOptions.on(machines.create(configured, MACHINE_MEMORY)));
    }

    /** What an Iommu is opened with. */
    IommuOptions options() {
        return options;
    }

    /** Gives a domain the next device that has none, if there is one. */
    void attach(Iommu iommu, IommuDomain domain) {
        if (!idle.isEmpty()) {
            iommu.attach(idle.removeFirst().source(), domain);
        }
    }

    /** What the machine's sanitizer found, the first of it at least. */
    List<Sanitizer.Finding> findings() {
        return options.machine()
                .flatMap(Machine::sanitizer)
                .map(Sanitizer::findings)
                .orElse(List.of());
    }

    @Override
    public void close() {
        options.machine().ifPresent(Machine::close);
    }
}
