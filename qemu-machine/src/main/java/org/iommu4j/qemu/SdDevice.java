package org.iommu4j.qemu;

import java.nio.ByteBuffer;
import java.util.List;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.SourceId;

/**
 * A device: an SD host controller of QEMU, whose DMA copies between memory and a card. A DMA goes
 * out in pieces that do not cross a multiple of 512 bytes, one after another, and ends at the first
 * that is blocked.
 */
final class SdDevice implements Device {

    private static final long END = 1L << Integer.SIZE;
    private static final long INTERRUPTS_START = 0xfee0_0000L;
    private static final long INTERRUPTS_END = 0xfef0_0000L;

    private final Qtest qtest;
    private final SdController controller;
    private final SdCard card;

    SdDevice(Qtest qtest, SdController controller, SdCard card) {
        this.qtest = qtest;
        this.controller = controller;
        this.card = card;
    }

    @Override
    public SourceId source() {
        return controller.source();
    }

    @Override
    public int addressBits() {
        return Integer.SIZE;
    }

    @Override
    public synchronized DmaOutcome read(long iova, ByteBuffer target) {
        requireReachable(iova, target.remaining());
        long at = iova;
        while (target.hasRemaining()) {
            int count = piece(at, target.remaining());
            DmaOutcome outcome = transfer(SdCard.WRITE_BLOCK, at, count, 0);
            if (!outcome.isDone()) {
                return outcome;
            }
            target.put(target.position(), card.content(), 0, count);
            target.position(target.position() + count);
            at += count;
        }
        return DmaOutcome.DONE;
    }

    @Override
    public synchronized DmaOutcome write(long iova, ByteBuffer data) {
        requireReachable(iova, data.remaining());
        long at = iova;
        while (data.hasRemaining()) {
            int count = piece(at, data.remaining());
            card.content().put(0, data, data.position(), count);
            DmaOutcome outcome = transfer(SdCard.READ_BLOCK, at, count, SdController.TO_MEMORY);
            if (!outcome.isDone()) {
                return outcome;
            }
            data.position(data.position() + count);
            at += count;
        }
        return DmaOutcome.DONE;
    }

    /** Refuses: an SD host controller has no atomic operations. */
    @Override
    public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
        throw new UnsupportedOperationException(
                "the device " + source() + " has no atomic operations");
    }

    private DmaOutcome transfer(int command, long iova, int count, int mode) {
        if (!reaches(iova, count)) {
            return DmaOutcome.blocked(iova, DmaOutcome.UNKNOWN);
        }
        Batch batch = new Batch();
        card.setBlockLength(batch, count);
        controller.transfer(batch, command, iova, count, 1, mode);
        List<BlockedRequest> blocked = qtest.run(batch).blocked();
        if (blocked.isEmpty()) {
            return DmaOutcome.DONE;
        }
        // Where the unit itself has read a table from nowhere, that is told before the reason is.
        int reason = blocked.stream().mapToInt(BlockedRequest::reason).max().getAsInt();
        return DmaOutcome.blocked(iova, reason);
    }

    /** Whether a range lies below 4 GiB, and nothing of it where interrupts are. */
    static boolean reaches(long iova, long bytes) {
        long end = iova + bytes;
        return end <= END && (end <= INTERRUPTS_START || iova >= INTERRUPTS_END);
    }

    private void requireReachable(long iova, int count) {
        if (iova < 0 || iova > END - count) {
            throw new IllegalArgumentException(
                    count
                            + " bytes of DMA at 0x"
                            + Long.toHexString(iova)
                            + "; the device "
                            + source()
                            + " has addresses of "
                            + Integer.SIZE
                            + " bits");
        }
    }

    private static int piece(long iova, int wanted) {
        return Math.min(wanted, SdController.BLOCK - ((int) iova & SdController.BLOCK - 1));
    }
}
