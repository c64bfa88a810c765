package org.iommu4j.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestMemoryTest {
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 3", "4, 5", "1024, 1025"})
    void nothingLiesBetweenThreeAndFourGiB(long gib, long endGib) {
        GuestMemory guest = guest(gib * GIB, GIB, Math.min(gib, 4) * GIB);
        assertThat(guest.end()).isEqualTo(endGib * GIB);
        for (int page = 0; page < guest.pages(); page++) {
            assertThat(guest.iova(page) >> 30).isNotEqualTo(3).isBetween(0L, endGib - 1);
        }
    }

    @Test
    void everyPageIsMappedToItsHomeAndNoneToItselfOrToInterrupts() {
        GuestMemory guest = guest(6 * GIB, 2 * MIB, 512 * MIB);
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(16 * MIB));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            guest.mapInto(domain);
            assertThat(domain.statistics().mappedBytes()).isEqualTo(6 * GIB);
            assertThat(domain.translate(0xfee00000L)).isEqualTo(IommuDomain.NOT_MAPPED);
            for (int page = 0; page < guest.pages(); page++) {
                long iova = guest.iova(page);
                assertThat(domain.translate(iova))
                        .isEqualTo(GuestMemory.home(iova))
                        .isNotEqualTo(iova)
                        .isBetween(4 * GIB, guest.hostEnd() - 4096);
            }
        }
    }

    @Test
    void theWorkingSetIsSpreadOverTheWhole() {
        GuestMemory guest = guest(1024 * GIB, 2 * MIB, 64 * MIB);
        assertThat(guest.pages()).isEqualTo(64 * 256);
        Set<Long> leaves = new HashSet<>();
        for (int page = 1; page < guest.pages(); page++) {
            assertThat(guest.iova(page)).isGreaterThan(guest.iova(page - 1));
            leaves.add(guest.leafOf(page));
        }
        assertThat(leaves).hasSize(32);
        assertThat(guest.iova(guest.pages() - 1)).isGreaterThan(960 * GIB);
    }

    @Test
    void thePagesOfALargePageStandTogether() {
        GuestMemory guest = guest(8 * GIB, GIB, 64 * MIB);
        for (int page = 0; page < guest.pages(); page++) {
            long leaf = guest.leafOf(page);
            assertThat(page)
                    .isGreaterThanOrEqualTo(guest.firstPageFrom(leaf))
                    .isLessThan(guest.firstPageFrom(leaf + GIB));
        }
        assertThat(guest.firstPageFrom(guest.end())).isEqualTo(guest.pages());
    }

    private static GuestMemory guest(long bytes, long leaf, long workingSet) {
        return new GuestMemory(bytes, leaf, workingSet, new SplittableRandom(7));
    }
}
