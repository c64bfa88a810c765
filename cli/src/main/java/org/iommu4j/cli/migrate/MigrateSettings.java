package org.iommu4j.cli.migrate;

import java.util.List;
import org.iommu4j.cli.vm.GuestMemory;
import org.iommu4j.cli.vm.MemorySize;
import org.iommu4j.cli.vm.VmSettings;

/**
 * What is migrated, and how.
 *
 * @param vm the VM, and the machine it is on; its duration is the longest that its devices go on
 *     while one migration copies
 * @param granularities the page sizes, in bytes, at which writes are told apart, one migration each
 */
public record MigrateSettings(VmSettings vm, List<Long> granularities) {

    /** The most memory, in bytes; the books are kept by its pages. */
    public static final long LARGEST = 1L << 36;

    /**
     * Checks that this can be done.
     *
     * @throws IllegalArgumentException if it cannot; the message says why, and what is legal
     */
    public MigrateSettings {
        granularities = granularities.stream().distinct().toList();
        if (vm.memory() > LARGEST) {
            throw new IllegalArgumentException(
                    "--memory "
                            + MemorySize.text(vm.memory())
                            + ": up to "
                            + MemorySize.text(LARGEST)
                            + " is legal");
        }
        for (long granularity : granularities) {
            if (granularity > vm.page()) {
                throw new IllegalArgumentException(
                        "--granularity "
                                + MemorySize.text(granularity)
                                + ": the memory is mapped with pages of "
                                + MemorySize.text(vm.page())
                                + "; no larger ones are legal");
            }
        }
    }

    /** {@return how many bytes of the machine's memory the VM takes} */
    long machineMemory() {
        return GuestMemory.hostEnd(vm.memory());
    }
}
