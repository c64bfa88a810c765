package com.example.policies;

import static org.assertj.core.api.Assertions.assertThat;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;

class FoundByNameTest {

    @Test
    void aUserNamesThemAndTheBackendUsesThem() {
        IommuOptions options =
                IommuOptions.memoryOnly(1 << 20)
                        .with(FlushPolicyProvider.class, "global")
                        .with(CacheFlusherProvider.class, "eager-line")
                        .with(TableAllocatorProvider.class, "quota:bytes=64k,over=stack");
        try (Iommu iommu = Iommu.open("vtd", options);
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            domain.map(0, 0, 1 << 30, Access.READ_WRITE);
            domain.unmap(0x1000, 0x1000);
            assertThat(domain.translate(0x2000)).isEqualTo(0x2000);
            assertThat(domain.statistics().invalidations().global()).isEqualTo(1);
        }
    }
}
