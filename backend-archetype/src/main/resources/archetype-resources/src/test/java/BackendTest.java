package ${package};

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.iommu4j.api.*;
import org.junit.jupiter.api.Test;

class BackendTest {

    @Test
    void maps() {
        try (Iommu iommu = Iommu.open("${backend}", IommuOptions.memoryOnly(1 << 20));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults())) {
            domain.map(0, 0x1000, 0x1000, Access.READ);
            assertEquals(0x1008, domain.translate(8));
        }
    }
}
