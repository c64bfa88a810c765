package org.iommu4j.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.iommu4j.machine.SourceId;

/**
 * QEMU's switch, of which tests use one thing: it writes a pattern to an address of 64 bits, where
 * the devices of the machine have 32.
 */
final class Rocker {

    /** What it writes, 8 bytes of it. */
    static final long PATTERN = 0x9696_9696_9696_9696L;

    static final SourceId SOURCE = new SourceId(0, 0, 0x1d, 0);

    private static final long REGISTERS = 0xe010_0000L;
    private static final long DMA_ADDRESS = REGISTERS + 0x28;
    private static final long DMA_SIZE = REGISTERS + 0x30;
    private static final long DMA_CONTROL = REGISTERS + 0x34;
    private static final int FILL = 2;
    private static final int PCI_BAR = 0x10;
    private static final int PCI_COMMAND = 4;

    private final Qtest qtest;

    Rocker(QemuMachine machine) {
        qtest = machine.qtest();
        PciConfiguration pci = new PciConfiguration(qtest);
        pci.write(SOURCE, PCI_BAR, (int) REGISTERS);
        pci.write(SOURCE, PCI_COMMAND, 6);
    }

    /** Makes a program that starts a QEMU which has one. */
    static String program(Path folder) throws IOException {
        Path file = folder.resolve("qemu-with-rocker");
        Path real = Qemu.requireInstalled().program();
        Files.writeString(
                file,
                "#!/bin/sh\n[ \"$1\" = --version ] && exec %s --version\n".formatted(real)
                        + "exec %s \"$@\" -device rocker,addr=1d\n".formatted(real));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return file.toString();
    }

    /** Writes 8 bytes; returns what was blocked. */
    List<BlockedRequest> write(long iova) {
        Batch batch = new Batch().write64(DMA_ADDRESS, iova).write32(DMA_SIZE, Long.BYTES);
        return qtest.run(batch.write32(DMA_CONTROL, FILL)).blocked();
    }
}
