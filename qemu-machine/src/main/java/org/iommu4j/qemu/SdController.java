package org.iommu4j.qemu;

import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.machine.SourceId;

/*
 * Why this device: its DMA needs nothing in memory but the data. Address, length and direction stand in registers (SD Host
 * Controller Simplified Specification, SDMA), and QEMU moves the data before it answers the write to the command register.
 * Others that do DMA in QEMU read descriptors or programs from memory, through the same tables that are to be judged.
 */

/** The registers of an SD host controller, and how its commands are given. For one thread. */
final class SdController {

    /** The most bytes of a block. */
    static final int BLOCK = 512;

    /** The data goes from the card to memory. */
    static final int TO_MEMORY = 1 << 4;

    /** Many blocks follow each other. */
    static final int MULTIPLE = 1 << 5;

    private static final int DMA = 1;
    private static final int COUNTED = 1 << 1;

    private static final int SYSTEM_ADDRESS = 0x0;
    private static final int BLOCK_SIZE = 0x4;
    private static final int ARGUMENT = 0x8;
    private static final int TRANSFER_MODE = 0xc;
    private static final int RESPONSE = 0x10;
    private static final int BUFFER = 0x20;
    private static final int CLOCK = 0x2c;
    private static final int CLOCK_ON = 1 | 1 << 2;

    /* Where a transfer of many blocks would pause: every 512 KiB, the farthest there is. */
    private static final int FARTHEST_PAUSE = 7 << 12;

    private static final int COMMAND_SHIFT = 24;
    private static final int WITH_DATA = 1 << 5 + 16;
    private static final int ANSWERED = 2 << 16;

    private static final int PCI_COMMAND = 0x4;
    private static final int MEMORY_AND_MASTER = 6;
    private static final int PCI_BAR = 0x10;
    private static final int PCI_ID = 0;
    private static final int EXPECTED_ID = 0x0007_1b36;

    private final Qtest qtest;
    private final SourceId source;
    private final long registers;

    /**
     * Makes the face of a controller.
     *
     * @param qtest the connection
     * @param source which PCI function it is
     * @param registers the physical address for its registers
     */
    SdController(Qtest qtest, SourceId source, long registers) {
        this.qtest = qtest;
        this.source = source;
        this.registers = registers;
    }

    SourceId source() {
        return source;
    }

    /**
     * Gives it its place, lets it do DMA, and turns its clock on.
     *
     * @throws MachineFailureException if something else is there
     */
    void start(PciConfiguration pci) {
        int found = pci.read(source, PCI_ID);
        if (found != EXPECTED_ID) {
            throw new MachineFailureException(
                    "PCI function "
                            + source
                            + " is 0x"
                            + Integer.toHexString(found)
                            + ", and not QEMU's SD host controller, 0x"
                            + Integer.toHexString(EXPECTED_ID));
        }
        pci.write(source, PCI_BAR, (int) registers);
        pci.write(source, PCI_COMMAND, MEMORY_AND_MASTER);
        qtest.run(new Batch().write16(registers + CLOCK, CLOCK_ON));
    }

    /** Adds a command without data. */
    void command(Batch batch, int number, int argument) {
        batch.write32(registers + ARGUMENT, argument)
                .write32(registers + TRANSFER_MODE, number << COMMAND_SHIFT | ANSWERED);
    }

    /** Adds the reading of what the card answered to the last command. */
    void response(Batch batch) {
        batch.read32(registers + RESPONSE);
    }

    /**
     * Adds a transfer between card and memory.
     *
     * @param batch where it is added
     * @param number the command to the card
     * @param iova the address in memory, 32 bits
     * @param size the bytes of a block, 1 to 512
     * @param count how many blocks, 1 to 65535
     * @param mode {@link #TO_MEMORY} and {@link #MULTIPLE}, or neither
     */
    void transfer(Batch batch, int number, long iova, int size, int count, int mode) {
        // With blocks left to go, the address register would start a transfer by itself.
        batch.write32(registers + BLOCK_SIZE, 0)
                .write32(registers + SYSTEM_ADDRESS, (int) iova)
                .write32(registers + BLOCK_SIZE, size | FARTHEST_PAUSE | count << 16)
                .write32(registers + ARGUMENT, 0)
                .write32(
                        registers + TRANSFER_MODE,
                        number << COMMAND_SHIFT | WITH_DATA | DMA | COUNTED | mode);
    }

    /** Adds the filling of the controller's own buffer with words, without a card. */
    void fillBuffer(Batch batch, long word, int words) {
        batch.write32(registers + BLOCK_SIZE, words * Long.BYTES | 1 << 16)
                .write32(registers + TRANSFER_MODE, WITH_DATA | COUNTED);
        for (int i = 0; i < words; i++) {
            batch.write32(registers + BUFFER, (int) word)
                    .write32(registers + BUFFER, (int) (word >>> Integer.SIZE));
        }
    }
}
