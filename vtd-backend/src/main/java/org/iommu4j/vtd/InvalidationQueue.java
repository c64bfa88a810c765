package org.iommu4j.vtd;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/*
 * A request is a pair of descriptors: what shall be forgotten, and a wait that stores the request's number in the status
 * word of its place in the ring. Numbers grow by one, and a place is used again only after its number was stored. So a
 * request is done if its place holds its number, or if so many came after it that the place was used again. Nobody holds
 * the lock while waiting; requests of several threads overlap. The ring is one page: 128 pairs, or 64 of the descriptors
 * that scalable mode has. A ring whose tail meets its head is empty, so the place of one pair stays free.
 *
 * The queue stands while an error bit is set. Whoever waits looks for one now and then, and puts it right under the lock: a
 * descriptor that the unit refuses (IQE) is replaced by one that does nothing, and its request has failed; waits that the
 * unit has fetched and aborted (ITE) never store their number, so their requests are asked again under new ones. What
 * became of a request that did not just end is written down before its number is stored in the unit's place.
 */

/**
 * The invalidation queue of one unit: takes requests from any number of threads, and says when each
 * has been done.
 */
final class InvalidationQueue {

    private static final Logger LOG = LogManager.getLogger(InvalidationQueue.class);

    private static final int SMALL_BYTES = 16;
    private static final int LARGE_BYTES = 32;
    private static final long LARGE = 1 << 11;
    private static final int SPINS = 100;
    private static final int MOST_REPEATS = 8;
    private static final int ERRORS =
            UnitRegisters.FSTS_IQE | UnitRegisters.FSTS_ICE | UnitRegisters.FSTS_ITE;

    /** What became of a request that did not just end. */
    private sealed interface Fate {

        /** The unit refused it. */
        record Refused(String why) implements Fate {}

        /** Its wait was aborted, and it was asked again. */
        record Repeated(long as) implements Fate {}
    }

    private final UnitRegisters registers;
    private final PhysicalMemory memory;
    private final long ring;
    private final long status;
    private final Patience patience;
    private final int bytes;
    private final int places;
    private final Object lock = new Object();
    private final Map<Long, Fate> fates = new ConcurrentHashMap<>();
    private volatile boolean anyFate;
    private volatile long last;

    /**
     * Makes a queue that stands still.
     *
     * @param registers the unit's
     * @param memory where the pages are
     * @param ring a page for the descriptors
     * @param status a zeroed page for the status words
     * @param patience how long to wait for the unit
     * @param large true for descriptors of 256 bits, which scalable mode has; else they have 128
     */
    InvalidationQueue(
            UnitRegisters registers,
            PhysicalMemory memory,
            long ring,
            long status,
            Patience patience,
            boolean large) {
        this.registers = registers;
        this.memory = memory;
        this.ring = ring;
        this.status = status;
        this.patience = patience;
        this.bytes = large ? LARGE_BYTES : SMALL_BYTES;
        this.places = PhysicalMemory.PAGE_SIZE / bytes / 2;
    }

    /** Hands the empty queue to the unit. */
    void start() {
        registers.write32(UnitRegisters.FSTS, ERRORS);
        registers.write64(UnitRegisters.IQT, 0);
        registers.write64(UnitRegisters.IQA, bytes == LARGE_BYTES ? ring | LARGE : ring);
        registers.queue(true);
    }

    /** Takes another queue from the unit, which works it off before, unless it stands. */
    void endOther() {
        if ((registers.read32(UnitRegisters.FSTS) & ERRORS) == 0) {
            registers.awaitEmptyQueue(() -> {});
        }
        registers.queue(false);
    }

    /** Works everything off, and takes the queue from the unit. */
    void stop() {
        attend();
        registers.awaitEmptyQueue(this::attend);
        registers.queue(false);
    }

    /**
     * Asks the unit to forget something.
     *
     * @param request what
     * @return the request's number, 1 or more
     * @throws UnitTimeoutException if the queue is full and stays so
     */
    long submit(Descriptor request) {
        return submit(request.low(), request.high(), request.third(), request.fourth());
    }

    /** The same, of a request whose upper half is zero. */
    long submit(long low, long high) {
        return submit(low, high, 0, 0);
    }

    private long submit(long low, long high, long third, long fourth) {
        while (true) {
            long inTheWay;
            synchronized (lock) {
                inTheWay = last + 2 - places;
                if (inTheWay <= 0 || isStored(inTheWay)) {
                    return enqueue(low, high, third, fourth);
                }
            }
            awaitStored(inTheWay);
        }
    }

    /**
     * Says whether the unit has done what was asked.
     *
     * @param request the request's number
     * @return true if it has; false for ever if it refused
     */
    boolean isDone(long request) {
        if (!isOver(request)) {
            attend();
            if (!isOver(request)) {
                return false;
            }
        }
        return switch (fate(request)) {
            case null -> true;
            case Fate.Refused _ -> false;
            case Fate.Repeated repeated -> isDone(repeated.as);
        };
    }

    /**
     * Waits until the unit has done what was asked.
     *
     * @param request the request's number
     * @throws IommuException if it refused
     * @throws UnitTimeoutException if it does not answer, or aborts its wait again and again
     */
    void await(long request) {
        long awaited = request;
        for (int repeats = 0; repeats <= MOST_REPEATS; repeats++) {
            awaitStored(awaited);
            switch (fate(awaited)) {
                case null -> {
                    return;
                }
                case Fate.Refused refused -> throw new IommuException(refused.why);
                case Fate.Repeated repeated -> awaited = repeated.as;
            }
        }
        throw new UnitTimeoutException(
                registers.unit()
                        + " aborted the wait for the invalidation "
                        + request
                        + " and for its "
                        + MOST_REPEATS
                        + " repetitions: ITE");
    }

    /** Asks, and waits until it is done. */
    void complete(Descriptor request) {
        await(submit(request));
    }

    private @Nullable Fate fate(long request) {
        return anyFate ? fates.get(request) : null;
    }

    private void awaitStored(long request) {
        for (int i = 0; i < SPINS; i++) {
            if (isOver(request)) {
                return;
            }
            memory.spin();
        }
        patience.until(
                () -> {
                    attend();
                    return isOver(request);
                },
                () ->
                        registers.unit()
                                + " to complete the invalidation "
                                + request
                                + ": FSTS is "
                                + UnitRegisters.hex(registers.read32(UnitRegisters.FSTS))
                                + ", IQH 0x"
                                + Long.toHexString(registers.read64(UnitRegisters.IQH))
                                + ", IQT 0x"
                                + Long.toHexString(registers.read64(UnitRegisters.IQT)));
    }

    /** Its number was stored, now or before the place was used again. */
    private boolean isOver(long request) {
        return isStored(request) || last - request >= places;
    }

    private boolean isStored(long request) {
        return (int) memory.loadAcquire(statusWord(request)) == (int) request;
    }

    private long enqueue(long low, long high, long third, long fourth) {
        long number = last + 1;
        long place = place(number);
        write(place, low, high, third, fourth);
        writeCompletion(place + bytes, number);
        last = number;
        if (LOG.isTraceEnabled()) { // else the request would be an object
            Descriptor request = new Descriptor(low, high, third, fourth);
            LOG.trace("{} is to do {}, its request {}", registers.unit(), request, number);
        }
        memory.fence();
        registers.write64(UnitRegisters.IQT, place(number + 1) - ring);
        return number;
    }

    /** Looks whether the unit stands because of an error, and makes it go on. */
    private void attend() {
        if ((registers.read32(UnitRegisters.FSTS) & ERRORS) != 0) {
            synchronized (lock) {
                recover(registers.read32(UnitRegisters.FSTS) & ERRORS);
            }
        }
    }

    private void recover(int errors) {
        if (errors == 0) {
            return;
        }
        long tail = registers.read64(UnitRegisters.IQT);
        long head = registers.read64(UnitRegisters.IQH);
        int waiting = (int) (tail - head & PhysicalMemory.PAGE_SIZE - 1) / bytes;
        boolean refused = (errors & UnitRegisters.FSTS_IQE) != 0;
        LOG.log(
                refused ? Level.ERROR : Level.WARN,
                "{} stopped its invalidation queue: FSTS {}, IQH 0x{}",
                registers.unit(),
                UnitRegisters.hex(errors),
                Long.toHexString(head));
        if (refused && waiting > 0) {
            neutralise(last - (waiting - 1) / 2, ring + head);
        }
        long before = last;
        registers.write32(UnitRegisters.FSTS, errors);
        if ((errors & UnitRegisters.FSTS_ITE) != 0) {
            repeatAborted(before, waiting);
        }
    }

    /** The unit refuses the descriptor at its head: puts a wait there, which does no harm twice. */
    private void neutralise(long request, long head) {
        Descriptor refused = read(head);
        settle(
                request,
                new Fate.Refused(
                        registers.unit()
                                + " refused the invalidation descriptor "
                                + refused
                                + ": IQE, with IQERCD 0x"
                                + Long.toHexString(registers.read64(UnitRegisters.IQERCD))));
        writeCompletion(head, request);
        memory.fence();
    }

    /**
     * Asks again what the unit had fetched and not completed when it aborted its waits; answers
     * were given all the same.
     */
    private void repeatAborted(long before, int waiting) {
        for (long request = Math.max(1, before + 2 - places); request <= before; request++) {
            boolean fetched = 1 + 2 * (before - request) > waiting;
            if (fetched && !isStored(request)) {
                Descriptor aborted = read(place(request));
                settle(request, new Fate.Repeated(last + 1));
                memory.storeRelease(statusWord(request), Integer.toUnsignedLong((int) request));
                Descriptor again = aborted.isPageResponse() ? Descriptor.fence() : aborted;
                enqueue(again.low(), again.high(), again.third(), again.fourth());
            }
        }
    }

    private void settle(long request, Fate fate) {
        fates.put(request, fate);
        anyFate = true;
    }

    private void writeCompletion(long address, long request) {
        write(address, Descriptor.store((int) request), statusWord(request), 0, 0);
    }

    private Descriptor read(long address) {
        boolean large = bytes == LARGE_BYTES;
        return new Descriptor(
                memory.loadPlain(address),
                memory.loadPlain(address + 8),
                large ? memory.loadPlain(address + 16) : 0,
                large ? memory.loadPlain(address + 24) : 0);
    }

    private void write(long address, long low, long high, long third, long fourth) {
        memory.storePlain(address, low);
        memory.storePlain(address + 8, high);
        if (bytes == LARGE_BYTES) {
            memory.storePlain(address + 16, third);
            memory.storePlain(address + 24, fourth);
        }
    }

    private long place(long request) {
        return ring + (request - 1) % places * 2 * bytes;
    }

    private long statusWord(long request) {
        return status + (request - 1) % places * Long.BYTES;
    }
}
