package org.iommu4j.cli.vm;

import org.iommu4j.machine.Machine;

/** How a command comes by a machine. */
@FunctionalInterface
public interface Machines {
    /**
     * Makes a machine.
     *
     * @param choice its provider's name, with parameters
     * @param bytes its memory
     * @return the machine, which the caller closes
     * @throws IllegalArgumentException if there is no such machine
     */
    Machine create(String choice, long bytes);
}
