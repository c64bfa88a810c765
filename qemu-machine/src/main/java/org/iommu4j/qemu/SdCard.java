package org.iommu4j.qemu;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.iommu4j.machine.MachineFailureException;

/**
 * The card in a controller: a file whose first bytes QEMU reads and writes, and this process too.
 * For one thread.
 */
final class SdCard {

    /** The command that reads a block of the card. */
    static final int READ_BLOCK = 17;

    /** The command that writes a block of the card. */
    static final int WRITE_BLOCK = 24;

    /** The size of the file; QEMU wants a power of two. */
    static final int BYTES = 1 << 20;

    private static final int GO_IDLE = 0;
    private static final int ALL_SEND_ID = 2;
    private static final int SEND_RELATIVE_ADDRESS = 3;
    private static final int SELECT = 7;
    private static final int SEND_CONDITION = 8;
    private static final int SET_BLOCK_LENGTH = 16;
    private static final int APPLICATION_OPERATION = 41;
    private static final int APPLICATION = 55;

    private static final int USUAL_VOLTAGE = 0x1aa;
    private static final int ALL_VOLTAGES = 0x00ff_8000;
    private static final int ADDRESS_MASK = 0xffff_0000;

    private final Qtest qtest;
    private final SdController controller;
    private final MappedByteBuffer content;
    private int blockLength;

    private SdCard(Qtest qtest, SdController controller, MappedByteBuffer content) {
        this.qtest = qtest;
        this.controller = controller;
        this.content = content;
    }

    /**
     * Makes the file of a card.
     *
     * @throws MachineFailureException if that is not possible
     */
    static MappedByteBuffer create(Path file) {
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES);
        } catch (IOException e) {
            throw new MachineFailureException("cannot make the card " + file, e);
        }
    }

    /** Brings the card of a controller from power-on to where it transfers data. */
    static SdCard start(Qtest qtest, SdController controller, MappedByteBuffer content) {
        SdCard card = new SdCard(qtest, controller, content);
        card.command(GO_IDLE, 0);
        card.command(SEND_CONDITION, USUAL_VOLTAGE);
        card.command(APPLICATION, 0);
        card.command(APPLICATION_OPERATION, ALL_VOLTAGES);
        card.command(ALL_SEND_ID, 0);
        card.command(SELECT, card.command(SEND_RELATIVE_ADDRESS, 0) & ADDRESS_MASK);
        return card;
    }

    /** {@return the card's first block} */
    MappedByteBuffer content() {
        return content;
    }

    /** Adds the command that sets the length of a block, if it is another one than before. */
    void setBlockLength(Batch batch, int bytes) {
        if (bytes != blockLength) {
            controller.command(batch, SET_BLOCK_LENGTH, bytes);
            blockLength = bytes;
        }
    }

    private int command(int number, int argument) {
        Batch batch = new Batch();
        controller.command(batch, number, argument);
        controller.response(batch);
        return (int) qtest.run(batch).value();
    }
}
