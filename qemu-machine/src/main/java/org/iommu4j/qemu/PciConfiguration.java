package org.iommu4j.qemu;

import org.iommu4j.machine.SourceId;

/** The configuration registers of PCI functions, by the two I/O ports of a PC. */
final class PciConfiguration {

    private static final int ADDRESS_PORT = 0xcf8;
    private static final int DATA_PORT = 0xcfc;
    private static final int ENABLE = 1 << 31;

    private final Qtest qtest;

    PciConfiguration(Qtest qtest) {
        this.qtest = qtest;
    }

    /** Reads the 32-bit register at an offset, a multiple of 4. */
    int read(SourceId function, int offset) {
        Batch batch = new Batch().out32(ADDRESS_PORT, address(function, offset));
        return (int) qtest.run(batch.in32(DATA_PORT)).value();
    }

    /** Writes the 32-bit register at an offset, a multiple of 4. */
    void write(SourceId function, int offset, int value) {
        Batch batch = new Batch().out32(ADDRESS_PORT, address(function, offset));
        qtest.run(batch.out32(DATA_PORT, value));
    }

    private static int address(SourceId function, int offset) {
        return ENABLE | function.requester() << 8 | offset;
    }
}
