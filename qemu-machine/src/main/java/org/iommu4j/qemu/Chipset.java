package org.iommu4j.qemu;

import org.iommu4j.machine.SourceId;

/** What firmware would do to the chipset before anybody uses the machine. */
final class Chipset {

    private static final SourceId HOST_BRIDGE = new SourceId(0, 0, 0, 0);
    private static final int PAM = 0x90;
    private static final int PAM_HIGH = 0x94;
    private static final int SMRAM = 0x9c;

    /* Of each half byte: 1 reads memory, 2 writes it; the first byte has a high half only. */
    private static final int ALL_MEMORY = 0x3333_3330;
    private static final int ALL_MEMORY_HIGH = 0x0033_3333;
    private static final int PAM_BYTES_HIGH = 0x00ff_ffff;
    private static final int SMRAM_BYTE = 0xff00;
    private static final int SMRAM_OPEN = 0x4a00;

    private Chipset() {}

    /** Makes memory of what is ROM and video memory below 1 MiB, so that there is no hole. */
    static void openLowMemory(PciConfiguration pci) {
        pci.write(HOST_BRIDGE, PAM, ALL_MEMORY);
        change(pci, PAM_HIGH, PAM_BYTES_HIGH, ALL_MEMORY_HIGH);
        change(pci, SMRAM, SMRAM_BYTE, SMRAM_OPEN);
    }

    private static void change(PciConfiguration pci, int offset, int mask, int bits) {
        pci.write(HOST_BRIDGE, offset, pci.read(HOST_BRIDGE, offset) & ~mask | bits);
    }
}
