package org.iommu4j.qemu;

import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;

/**
 * QEMU's VT-d unit, which all devices of the machine are behind.
 *
 * @param registers its registers
 */
record IntelIommu(MmioRegion registers) implements RemappingUnit {

    private static final long ADDRESS = 0xfed9_0000L;
    private static final long SIZE = 0x1000;

    IntelIommu(Qtest qtest) {
        this(new QtestRegion(qtest, ADDRESS, SIZE));
    }

    @Override
    public boolean covers(SourceId device) {
        return device.segment() == 0;
    }
}
