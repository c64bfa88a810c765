package org.iommu4j.qemu;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/*
 * A controller without a card: what is in its buffer goes to memory again and again, and QEMU needs a tenth of a
 * microsecond for a request. Without a card nothing can be read back, so this is no Device.
 */

/**
 * A bus master that writes many times in one go, far faster than a device can be asked to: what is
 * needed to have the hardware busy while tables change.
 *
 * <p>Any thread may call any method; one burst at a time is under way in a machine.
 */
public final class BurstWriter {

    /** The most bytes of one request. */
    public static final int MOST_REQUEST_BYTES = SdController.BLOCK;

    private static final long PAUSE = 512 << 10;

    private final Qtest qtest;
    private final SdController controller;
    private long word;
    private int words;

    BurstWriter(Qtest qtest, SdController controller) {
        this.qtest = qtest;
        this.controller = controller;
    }

    /** {@return the source id of its requests} */
    public SourceId source() {
        return controller.source();
    }

    /**
     * Writes a word to every 8 bytes of a range, in ascending order. A request that is blocked is
     * left out, and the others follow.
     *
     * @param iova first I/O virtual address; a multiple of the size of a request
     * @param word what is written
     * @param requestBytes how many bytes one bus request writes: a power of two from 8 to 512
     * @param requests how many requests, 1 or more; they end below 4 GiB, and outside of 0xfee00000
     *     to 0xfeefffff
     * @return the pages of 4 KiB where requests were blocked, by their first I/O virtual address,
     *     with the unit's reason, or 0 where it gave none; empty if all was written. Of a very long
     *     burst that goes wrong everywhere, only the first of them
     * @throws IllegalArgumentException if something is not legal
     * @throws MachineFailureException if QEMU does not do it
     */
    public synchronized SortedMap<Long, Integer> write(
            long iova, long word, int requestBytes, int requests) {
        requireLegal(iova, requestBytes, requests);
        Batch batch = new Batch();
        fillBuffer(batch, word, requestBytes / Long.BYTES);
        long end = iova + (long) requestBytes * requests;
        for (long at = iova; at < end; ) {
            long to = Math.min(end, (at / PAUSE + 1) * PAUSE);
            controller.transfer(
                    batch,
                    SdCard.READ_BLOCK,
                    at,
                    requestBytes,
                    (int) ((to - at) / requestBytes),
                    SdController.TO_MEMORY | SdController.MULTIPLE);
            at = to;
        }
        return pages(qtest.run(batch).blocked());
    }

    private void fillBuffer(Batch batch, long with, int count) {
        if (with != word || count != words) {
            controller.fillBuffer(batch, with, count);
            word = with;
            words = count;
        }
    }

    private static SortedMap<Long, Integer> pages(List<BlockedRequest> blocked) {
        SortedMap<Long, Integer> pages = new TreeMap<>();
        for (BlockedRequest request : blocked) {
            pages.merge(request.iova() & -PhysicalMemory.PAGE_SIZE, request.reason(), Math::max);
        }
        return pages;
    }

    private static void requireLegal(long iova, int requestBytes, int requests) {
        boolean isSize =
                Integer.bitCount(requestBytes) == 1
                        && requestBytes >= Long.BYTES
                        && requestBytes <= MOST_REQUEST_BYTES;
        if (!isSize
                || requests < 1
                || iova < 0
                || iova % requestBytes != 0
                || !SdDevice.reaches(iova, (long) requestBytes * requests)) {
            throw new IllegalArgumentException(
                    requests
                            + " requests of "
                            + requestBytes
                            + " bytes from 0x"
                            + Long.toHexString(iova)
                            + "; aligned ones of 8 to 512 bytes below 0x100000000 are legal, outside"
                            + " of 0xfee00000 to 0xfeefffff");
        }
    }
}
