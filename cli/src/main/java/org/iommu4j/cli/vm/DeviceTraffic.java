package org.iommu4j.cli.vm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;

/**
 * The DMA of one device: it reads and writes its own part of pages as fast as it can, and checks
 * every word it reads against what it wrote there last.
 *
 * <p>Nothing is allocated where a DMA succeeds. One in eight is timed, because asking for the time
 * takes about as long as a DMA; and every one to a page that is out. For one thread at a time, but
 * its counts may be read by any.
 */
public final class DeviceTraffic {
    private static final int TIMED = 8;
    private static final long LONGEST_NANOS = 60_000_000_000L;

    /** Stands in a version's lowest bit after a write that was blocked, and may be half done. */
    private static final int BLOCKED = 1;

    private final Device device;
    private final int number;
    private final GuestMemory guest;
    private final PageStates states;
    private final Faults faults;
    private final WrongData wrongData;
    private final SplittableRandom random;
    private final int[] versions;
    private final ByteBuffer slot =
            ByteBuffer.allocateDirect(Content.SLOT).order(ByteOrder.LITTLE_ENDIAN);
    private final Histogram latency = new Histogram(LONGEST_NANOS, 3);
    private final Histogram faultService = new Histogram(LONGEST_NANOS, 3);
    private final AtomicLong dmas = new AtomicLong();
    private final AtomicLong expectedFaults = new AtomicLong();
    private final AtomicLong spuriousFaults = new AtomicLong();

    /**
     * Makes the traffic of a device.
     *
     * @param device who does DMA
     * @param number its number; below {@link Content#SLOTS}, and no other device's
     * @param guest the memory it sees
     * @param states what happens to each page
     * @param faults what becomes of a DMA to a page that is out
     * @param wrongData hears of what was wrong
     * @param random which pages, and how
     */
    public DeviceTraffic(
            Device device,
            int number,
            GuestMemory guest,
            PageStates states,
            Faults faults,
            WrongData wrongData,
            SplittableRandom random) {
        this.device = device;
        this.number = number;
        this.guest = guest;
        this.states = states;
        this.faults = faults;
        this.wrongData = wrongData;
        this.random = random;
        versions = new int[guest.pages()];
    }

    /** Reads or writes a random page. */
    public void step() {
        long chance = random.nextLong();
        int page = (int) ((chance >>> 32) * versions.length >>> 32);
        boolean write = (chance & 1) != 0;
        transfer(page, write);
    }

    /**
     * Writes a page.
     *
     * @param page its number
     */
    public void write(int page) {
        transfer(page, true);
    }

    /** Reads every page, none of which is out, and checks that no write was lost. */
    public void readAll() {
        for (int page = 0; page < versions.length; page++) {
            transfer(page, false);
        }
    }

    /** {@return how many DMAs it did, the blocked ones among them} */
    public long dmas() {
        return dmas.getOpaque();
    }

    /** {@return how many were blocked, or waited, at a page that the host was busy with} */
    public long expectedFaults() {
        return expectedFaults.getOpaque();
    }

    /** {@return how many were blocked, or waited, at a page that was present all the while} */
    public long spuriousFaults() {
        return spuriousFaults.getOpaque();
    }

    /** {@return how long DMAs took that had to ask for a page which was out, in nanoseconds} */
    public Histogram faultService() {
        return faultService;
    }

    /** {@return how long DMAs took that neither waited nor were blocked, in nanoseconds} */
    public Histogram latency() {
        return latency;
    }

    private void transfer(int page, boolean write) {
        int stamp = states.stamp(page);
        boolean timed = dmas.getPlain() % TIMED == 0 || !PageStates.isPresent(stamp);
        long start = timed ? System.nanoTime() : 0;
        long iova = guest.iova(page) + (number + page) % Content.SLOTS * (long) Content.SLOT;
        DmaOutcome outcome = write ? writeNext(page, iova) : read(page, iova);
        increment(dmas);
        if (outcome.waited() || !outcome.isDone()) {
            countFault(page, stamp, iova, outcome);
        } else if (PageStates.isGone(stamp) && states.isStill(page, stamp)) {
            wrongData.add(
                    device.source()
                            + (write ? " wrote" : " read")
                            + " a page that had been taken and flushed, at 0x"
                            + Long.toHexString(iova));
        }
        if (timed && outcome.isDone()) {
            (outcome.waited() ? faultService : latency)
                    .recordValue(Math.min(System.nanoTime() - start, LONGEST_NANOS));
        }
    }

    private void countFault(int page, int stamp, long iova, DmaOutcome outcome) {
        if (PageStates.isPresent(stamp) && states.isStill(page, stamp)) {
            increment(spuriousFaults);
        } else {
            increment(expectedFaults);
        }
        if (faults == Faults.RECOVERABLE && !outcome.isDone()) {
            wrongData.add(
                    device.source()
                            + " was refused a page that it waited for, at 0x"
                            + Long.toHexString(iova)
                            + ": "
                            + outcome);
        }
    }

    /** Only this thread counts; others read now and then. */
    private static void increment(AtomicLong count) {
        count.setOpaque(count.getPlain() + 1);
    }

    /** Writes the next version; after a write that was blocked, the same one again. */
    private DmaOutcome writeNext(int page, long iova) {
        int next = (versions[page] >> 1) + 1;
        Content.fill(slot, iova, next);
        slot.clear();
        DmaOutcome outcome = device.write(iova, slot);
        versions[page] = outcome.isDone() ? next << 1 : versions[page] | BLOCKED;
        return outcome;
    }

    private DmaOutcome read(int page, long iova) {
        slot.clear();
        DmaOutcome outcome = device.read(iova, slot);
        if (outcome.isDone()) {
            check(page, iova);
        }
        return outcome;
    }

    private void check(int page, long iova) {
        int version = versions[page] >> 1;
        if (Content.holds(slot, iova, version)
                || (versions[page] & BLOCKED) != 0
                        && Content.holdsOrPartlyNext(slot, iova, version)) {
            return;
        }
        wrongData.add(device.source() + " read " + Content.difference(slot, iova, version));
    }
}
