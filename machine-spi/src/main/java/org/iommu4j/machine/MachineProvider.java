package org.iommu4j.machine;

import java.util.List;
import java.util.ServiceLoader;

/** Makes a machine; found by {@link ServiceLoader}. */
public interface MachineProvider extends Provider {

    /**
     * Makes a machine with this provider's default devices.
     *
     * @param memoryBytes the size of its memory; a positive multiple of 4096
     * @return the machine, which the caller closes
     * @throws IllegalArgumentException if the size is not legal here
     * @throws MachineFailureException if the machine cannot be started
     */
    Machine create(long memoryBytes);

    /** {@return every machine provider found, highest rank first, then by name} */
    static List<MachineProvider> providers() {
        return Providers.sorted(ServiceLoader.load(MachineProvider.class));
    }
}
