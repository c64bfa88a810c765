package org.iommu4j.examples;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;

/**
 * Unmaps 4 KiB out of a leaf of 1 GiB. One exchange of one entry replaces the leaf by tables with
 * the hole already in them: at no instant does another page of the GiB fault.
 *
 * <p>Run it: {@code ./examples/run E02}
 */
public final class E02_PunchAHole {

    private static final long IOVA = 0x4000_0000L;
    private static final long GIB = 1L << 30;
    private static final long PAGE = 0x1000;

    private E02_PunchAHole() {}

    /**
     * Runs it.
     *
     * @param args none
     */
    public static void main(String[] args) {
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            domain.map(IOVA, 0x1_0000_0000L, GIB, Access.READ_WRITE);
            print("before", domain);

            long hole = IOVA + 0x1234_5000L;
            System.out.printf("unmapped 0x%x bytes%n", domain.unmap(hole, PAGE));
            print("after", domain);

            System.out.println("around the hole:");
            domain.mappings(
                    hole - PAGE,
                    3 * PAGE,
                    (iova, outputAddress, size, access) -> {
                        System.out.printf(
                                "  0x%x -> 0x%x, 0x%x bytes%n", iova, outputAddress, size);
                        return true;
                    });
        }
    }

    private static void print(String when, IommuDomain domain) {
        System.out.println(when + ":");
        domain.statistics()
                .leaves()
                .forEach((size, count) ->
                        System.out.printf("  %3d leaves of 0x%x bytes%n", count, size));
        System.out.printf("  %3d table pages%n", domain.statistics().tablePages());
    }
}
