package org.iommu4j.examples;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;

/**
 * Unmaps 1 MiB..3 MiB over two leaves of 2 MiB, each of them covered in part, in the three ways a
 * domain can be told to treat that.
 *
 * <p>Run it: {@code ./examples/run E04}
 */
public final class E04_PartialUnmapModes {

    private static final long MIB = 1 << 20;

    private E04_PartialUnmapModes() {}

    /**
     * Runs it.
     *
     * @param args none
     */
    public static void main(String[] args) {
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20))) {
            for (PartialUnmap mode : PartialUnmap.values()) {
                unmapTheMiddle(iommu, mode);
            }
        }
    }

    private static void unmapTheMiddle(Iommu iommu, PartialUnmap mode) {
        DomainOptions options = DomainOptions.defaults().withPartialUnmap(mode);
        try (IommuDomain domain = iommu.createDomain(options)) {
            domain.map(0, 0x1_0000_0000L, 4 * MIB, Access.READ_WRITE);
            try {
                long bytes = domain.unmap(MIB, 2 * MIB);
                System.out.printf("%s: %d MiB went%n", mode, bytes / MIB);
            } catch (PartialUnmapException e) {
                System.out.printf("%s: %s%n", mode, e.getMessage());
            }
            System.out.printf("  %d MiB are mapped%n", domain.statistics().mappedBytes() / MIB);
        }
    }
}
