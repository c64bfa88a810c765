package org.iommu4j.examples;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;

/**
 * Runs out of table pages in the middle of a split: unmapping 4 KiB out of a leaf of 1 GiB takes
 * two tables, and there is one page. The call fails and everything is as it was: the tables, the
 * gather, the statistics and the page.
 *
 * <p>Run it: {@code ./examples/run E05}
 */
public final class E05_ExactFailure {

    private static final long IOVA = 0x4000_0000L;
    private static final long PAGE = 0x1000;

    private E05_ExactFailure() {}

    /**
     * Runs it.
     *
     * @param args none
     */
    public static void main(String[] args) {
        int pages = 4; // page 0, which is never a table; the root; one table below it; one to spare
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(pages * PAGE));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
                IotlbGather gather = domain.gather()) {
            domain.map(IOVA, 0x1_0000_0000L, 1L << 30, Access.READ_WRITE);
            DomainStatistics before = domain.statistics();
            try {
                domain.unmap(IOVA + PAGE, PAGE, gather);
            } catch (TableMemoryExhaustedException e) {
                System.out.println(e.getMessage());
            }
            System.out.println("the gather is empty: " + gather.isEmpty());
            System.out.println(
                    "the statistics are the same: " + domain.statistics().equals(before));
            System.out.printf("the page is mapped: 0x%x%n", domain.translate(IOVA + PAGE));
            System.out.printf("a leaf of 2 MiB still fits: 0x%x%n", mapOneMore(domain));
        }
    }

    /** Takes the page that is left: one table for leaves of 2 MiB. */
    private static long mapOneMore(IommuDomain domain) {
        domain.map(0x20_0000L, 0x20_0000L, 0x20_0000L, Access.READ);
        return domain.translate(0x20_0000L);
    }
}
