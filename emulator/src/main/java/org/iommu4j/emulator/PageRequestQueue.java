package org.iommu4j.emulator;

import java.util.ArrayDeque;
import java.util.Deque;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/*
 * Between the request that has arrived and the record in memory lies time, which a wait for page requests (PD) ends. Where
 * dice decide, whoever brings a request lets it lie for a while; it is written by the next who comes by, in the order of
 * arrival. Without dice it is written at once.
 */

/**
 * The page-request queue: a ring in memory that the unit fills and software empties, and its
 * registers (VT-d, Page Request Queue). A request that finds it full is dropped, which the overflow
 * bit says; from then on every request is, until software has emptied the ring and cleared that
 * bit. Nobody is told of a request that was dropped but the device in this machine, which asks
 * again.
 *
 * <p>Any thread may call any method.
 */
final class PageRequestQueue implements RegisterBlock {

    /** Offset of the first register, the head; the last, the status, ends at {@link #END}. */
    static final int HEAD = 0xc0;

    /** Offset behind the status; the registers of the event follow. */
    static final int END = 0xe0;

    private static final int TAIL = 0xc8;
    private static final int ADDRESS = 0xd0;
    private static final int STATUS = 0xdc;

    private static final int OFFSET_BITS = 0x7ffe0;
    private static final int SIZE_BITS = 7;

    private static final int PENDING = 1;
    private static final int OVERFLOW = 1 << 1;

    /** What became of a request. */
    enum Receipt {
        /** It is in memory. */
        QUEUED,
        /** There was no room, or there has been none since software saw to it last. */
        DROPPED,
        /**
         * The device may not ask, or software has set up no queue, or one that is not in memory:
         * the unit itself answers with a failure.
         */
        REFUSED
    }

    /** A request on its way into memory. */
    private static final class Arrival {
        private final PageRequest request;
        private @Nullable Receipt receipt;

        private Arrival(PageRequest request) {
            this.request = request;
        }
    }

    private final PhysicalMemory memory;
    private final EventRegisters event;
    private final @Nullable Audit audit;
    private final @Nullable Dice dice;
    private final Deque<Arrival> arrivals = new ArrayDeque<>();
    private long address;
    private int head;
    private int tail;
    private int status;
    private boolean refusing;

    PageRequestQueue(
            PhysicalMemory memory,
            EventRegisters event,
            @Nullable Audit audit,
            @Nullable Dice dice) {
        this.memory = memory;
        this.event = event;
        this.audit = audit;
        this.dice = dice;
    }

    /**
     * Receives a request.
     *
     * @param request the request
     * @return what became of it
     */
    Receipt receive(PageRequest request) {
        Arrival arrival = new Arrival(request);
        synchronized (this) {
            arrivals.add(arrival);
        }
        if (dice != null) {
            dice.dawdle(8);
        }
        drain();
        synchronized (this) {
            Receipt receipt = arrival.receipt;
            if (receipt == null) {
                throw new AssertionError("a drained request has no receipt");
            }
            return receipt;
        }
    }

    /** Brings all requests into memory that have arrived. */
    synchronized void drain() {
        for (Arrival next = arrivals.poll(); next != null; next = arrivals.poll()) {
            next.receipt = store(next.request);
        }
    }

    private Receipt store(PageRequest request) {
        if ((address & -PhysicalMemory.PAGE_SIZE) == 0 || tail >= size()) {
            return Receipt.REFUSED;
        }
        refusing = refusing && !((status & OVERFLOW) == 0 && head == tail);
        int next = (tail + PageRequest.BYTES) % size();
        if (refusing || next == head) {
            refusing = true;
            raise(OVERFLOW);
            return Receipt.DROPPED;
        }
        try {
            long at = (address & -PhysicalMemory.PAGE_SIZE) + tail;
            memory.storeRelease(at + 2 * Long.BYTES, 0);
            memory.storeRelease(at + 3 * Long.BYTES, 0);
            memory.storeRelease(at + Long.BYTES, request.high());
            memory.storeRelease(at, request.low());
        } catch (IndexOutOfBoundsException e) {
            return Receipt.REFUSED;
        }
        if (audit != null) {
            audit.pageRequested(request);
        }
        tail = next;
        raise(PENDING);
        return Receipt.QUEUED;
    }

    private void raise(int bit) {
        boolean isNew = (status & bit) == 0;
        status |= bit;
        if (isNew) {
            event.raise();
        }
    }

    private int size() {
        return PhysicalMemory.PAGE_SIZE << ((int) address & SIZE_BITS);
    }

    @Override
    public synchronized int read(int offset) {
        return switch (offset) {
            case HEAD -> head;
            case TAIL -> tail;
            case ADDRESS, ADDRESS + 4 -> RegisterBlock.half(offset, address);
            case STATUS -> status;
            default -> 0;
        };
    }

    @Override
    public synchronized void write(int offset, int value) {
        switch (offset) {
            case HEAD -> head = value & OFFSET_BITS;
            case TAIL -> tail = value & OFFSET_BITS;
            case ADDRESS, ADDRESS + 4 ->
                    address =
                            RegisterBlock.withHalf(offset, address, value)
                                    & (-PhysicalMemory.PAGE_SIZE | SIZE_BITS);
            case STATUS -> {
                status &= ~value;
                if (status == 0) {
                    event.settle();
                }
            }
            default -> {}
        }
    }
}
