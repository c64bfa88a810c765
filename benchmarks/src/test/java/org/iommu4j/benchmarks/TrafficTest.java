package org.iommu4j.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.junit.jupiter.api.Test;

/** The sequence is the one that the peers were measured with. */
class TrafficTest {

    private static final long SIZE = Window.OF_64M.bytes();

    @Test
    void splitMixIsSplitMix64() {
        SplitMix random = new SplitMix(1234567);
        assertThat(random.next()).isEqualTo(6457827717110365317L);
        assertThat(random.next()).isEqualTo(3203168211198807973L);
    }

    @Test
    void as256PagesAreMappedAtATimeAndNoneAtTheEnd() {
        try (BusyDomain domain = BusyDomain.coherent(DomainOptions.defaults())) {
            Traffic traffic = new Traffic(domain, BusyDomain.IOVA, SIZE, 1);
            traffic.run(100);
            assertThat(mapped(domain)).isEqualTo(100);
            traffic.run(4000);
            assertThat(mapped(domain)).isEqualTo(Traffic.OUTSTANDING);
            traffic.reset();
            assertThat(mapped(domain)).isZero();
        }
    }

    @Test
    void pagesAreMappedWhereTheSequenceSays() {
        try (BusyDomain domain = BusyDomain.coherent(DomainOptions.defaults())) {
            new Traffic(domain, BusyDomain.IOVA, SIZE, 1).run(1);
            long page = new SplitMix(1).next() & SIZE / BusyDomain.PAGE - 1;
            assertThat(domain.domain.translate(BusyDomain.IOVA + page * BusyDomain.PAGE))
                    .isEqualTo(BusyDomain.OUTPUT + page * BusyDomain.PAGE)
                    .isNotEqualTo(IommuDomain.NOT_MAPPED);
        }
    }

    private static long mapped(BusyDomain domain) {
        return domain.domain.statistics().leaves().get(BusyDomain.PAGE);
    }
}
