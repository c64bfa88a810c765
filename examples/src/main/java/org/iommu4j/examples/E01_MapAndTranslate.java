package org.iommu4j.examples;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;

/**
 * Maps memory for devices and asks what an address translates to. The largest leaves that fit are
 * used; unmapping a part of one leaves the rest as it is.
 *
 * <p>Run it: {@code ./examples/run E01}
 */
public final class E01_MapAndTranslate {

    private E01_MapAndTranslate() {}

    /**
     * Runs it.
     *
     * @param args none
     */
    public static void main(String[] args) {
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(64 << 20));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            domain.map(0x4000_0000L, 0x1_0000_0000L, 1L << 30, Access.READ_WRITE);
            domain.unmap(0x4000_3000L, 0x1000);
            System.out.printf("0x%x%n", domain.translate(0x4000_2abcL));
            System.out.println(domain.translate(0x4000_3abcL) == IommuDomain.NOT_MAPPED);
            System.out.println("leaves by size: " + domain.statistics().leaves());
        }
    }
}
