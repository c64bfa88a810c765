package org.iommu4j.emulator;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * The invalidation queue: its registers, and who works off what software has put there. After an
 * error it stands until software has cleared that in the fault status.
 *
 * <p>Registers are accessed one at a time; the queue is worked off by whoever writes its tail, or
 * by a thread of its own.
 */
final class InvalidationQueue implements RegisterBlock {

    /** Offset of the first register, the head; the last ends at {@link #END}. */
    static final int HEAD = 0x80;

    /** Offset behind the completion status. */
    static final int END = 0xa0;

    /** Offset of the error record, 64 bits. */
    static final int ERROR_RECORD = 0xb0;

    private static final int TAIL = 0x88;
    private static final int ADDRESS = 0x90;
    private static final int COMPLETION = 0x9c;

    private static final int OFFSET_BITS = 0x7fff0;
    private static final int WIDE = 1 << 11;
    private static final int NARROW_BYTES = 16;
    private static final int WIDE_BYTES = 32;
    private static final int SIZE_BITS = 7;

    /* What the error record says (IQEI). */
    private static final int TAIL_INVALID = 1;
    private static final int FETCH_FAILED = 2;
    private static final int TYPE_INVALID = 3;
    private static final int RESERVED_SET = 4;
    private static final int WIDTH_INVALID = 5;

    private static final long SOON_NANOS = 1_000_000;

    private final PhysicalMemory memory;
    private final Capabilities capabilities;
    private final Invalidations invalidations;
    private final Endpoints endpoints;
    private final PageRequestQueue pageRequests;
    private final FaultRecords faults;
    private final EventRegisters event;
    private final Supplier<QueueTrouble> trouble;
    /* The one at the head, since it was fetched last. */
    private final Descriptor descriptor = new Descriptor();
    private volatile @Nullable Thread worker;
    private volatile boolean enabled;
    private volatile long address;
    private volatile int tail;
    private volatile int head;
    private volatile boolean completed;
    private volatile long errorRecord;

    InvalidationQueue(
            EmulatorOptions options,
            PhysicalMemory memory,
            Capabilities capabilities,
            Invalidations invalidations,
            Endpoints endpoints,
            PageRequestQueue pageRequests,
            FaultRecords faults,
            EventRegisters event) {
        this.memory = memory;
        this.capabilities = capabilities;
        this.invalidations = invalidations;
        this.endpoints = endpoints;
        this.pageRequests = pageRequests;
        this.faults = faults;
        this.event = event;
        this.trouble = options.queueTrouble();
    }

    /**
     * Gives the queue a thread of its own.
     *
     * @param name the thread's name
     */
    void startWorker(String name) {
        Thread serving = Thread.ofPlatform().daemon().name(name).unstarted(this::serve);
        worker = serving;
        serving.start();
    }

    /** Ends the thread, if there is one; from then on whoever writes the tail does the work. */
    void stopWorker() {
        Thread serving = worker;
        worker = null;
        LockSupport.unpark(serving);
    }

    /** Turns the queue on or off; it begins at its first descriptor. */
    void enable(boolean on) {
        synchronized (this) {
            enabled = on;
            head = 0;
        }
        kick();
    }

    /** {@return true if the queue is on} */
    boolean isEnabled() {
        return enabled;
    }

    /** Makes the queue go on if there is something to do. */
    void kick() {
        Thread serving = worker;
        if (serving == null) {
            workOff();
        } else {
            LockSupport.unpark(serving);
        }
    }

    @Override
    public int read(int offset) {
        if (isBehind()) {
            kick();
        }
        return switch (offset) {
            case HEAD -> head;
            case TAIL -> tail;
            case ADDRESS, ADDRESS + 4 -> RegisterBlock.half(offset, address);
            case COMPLETION -> completed ? 1 : 0;
            case ERROR_RECORD, ERROR_RECORD + 4 -> RegisterBlock.half(offset, errorRecord);
            default -> 0;
        };
    }

    @Override
    public void write(int offset, int value) {
        switch (offset) {
            case TAIL -> {
                tail = value & OFFSET_BITS;
                kick();
            }
            case ADDRESS, ADDRESS + 4 ->
                    address =
                            RegisterBlock.withHalf(offset, address, value)
                                    & (-PhysicalMemory.PAGE_SIZE | WIDE | SIZE_BITS);
            case COMPLETION -> {
                if ((value & 1) != 0) {
                    completed = false;
                    event.settle();
                }
            }
            default -> {}
        }
    }

    private void serve() {
        while (worker == Thread.currentThread()) {
            workOff();
            if (isBehind()) {
                LockSupport.parkNanos(this, SOON_NANOS);
            } else {
                LockSupport.park(this);
            }
        }
    }

    private boolean isBehind() {
        return enabled && head != tail && !faults.isRaised(FaultRecords.QUEUE_ERRORS);
    }

    private synchronized void workOff() {
        boolean goesOn = true;
        while (goesOn && isBehind()) {
            goesOn = next();
        }
    }

    /* Deals with the descriptor at the head; false if the queue stands. */
    private boolean next() {
        if (isWide() && !capabilities.scalable()) {
            return stop(WIDTH_INVALID);
        }
        if (tail >= size() || tail % bytes() != 0) {
            return stop(TAIL_INVALID);
        }
        return switch (trouble.get()) {
            case NONE -> carryOut();
            case QUEUE_ERROR -> stop(0);
            case COMPLETION_ERROR -> {
                if (carryOut()) {
                    faults.raise(FaultRecords.COMPLETION_ERROR);
                }
                yield false;
            }
            case TIMED_OUT -> {
                timeOut();
                yield false;
            }
            case STANDS_STILL -> false;
        };
    }

    private boolean carryOut() {
        if (!fetch()) {
            return stop(FETCH_FAILED);
        }
        if (!descriptor.isKnown()
                || descriptor.isOfScalableMode() && !capabilities.scalable()
                || descriptor.isForDevice() && !capabilities.pageRequests()) {
            return stop(TYPE_INVALID);
        }
        if (descriptor.isOfScalableMode() && !isWide()) {
            return stop(WIDTH_INVALID);
        }
        if (!descriptor.isWellFormed() || !isSupported()) {
            return stop(RESERVED_SET);
        }
        switch (descriptor.type()) {
            case Descriptor.CONTEXT_CACHE -> invalidations.contexts(descriptor);
            case Descriptor.IOTLB -> invalidations.translations(descriptor);
            case Descriptor.DEVICE_TLB, Descriptor.PASID_DEVICE_TLB -> {
                if (!endpoints.invalidate(descriptor)) {
                    timeOut();
                    return false;
                }
            }
            case Descriptor.PAGE_RESPONSE -> endpoints.answer(descriptor);
            case Descriptor.WAIT -> complete();
            case Descriptor.PASID_IOTLB -> invalidations.translationsOfPasid(descriptor);
            case Descriptor.PASID_CACHE -> invalidations.pasids(descriptor);
            default -> {} // no interrupt is remapped, so no entry is cached
        }
        advance();
        return true;
    }

    private boolean isSupported() {
        if (descriptor.type() == Descriptor.WAIT && descriptor.drainsPageRequests()) {
            return capabilities.pageRequests();
        }
        boolean isOfPages =
                (descriptor.type() == Descriptor.IOTLB
                                || descriptor.type() == Descriptor.PASID_IOTLB)
                        && descriptor.granularity() == Descriptor.SELECTIVE;
        return !isOfPages
                || capabilities.pageSelective()
                        && descriptor.addressMask() <= capabilities.maxAddressMask();
    }

    /* Of a wait. */
    private void complete() {
        invalidations.await();
        endpoints.await();
        if (descriptor.drainsPageRequests()) {
            pageRequests.drain();
        }
        if (descriptor.writesStatus()) {
            writeStatus(descriptor.statusAddress(), descriptor.statusValue());
        }
        if (descriptor.interrupts()) {
            completed = true;
            event.raise();
        }
    }

    /*
     * Everything up to the tail counts as fetched; the waits among it are aborted. If a device should have said that it
     * has done the first, it did not hear of it.
     */
    private void timeOut() {
        if (fetch() && descriptor.isAnsweredByDevice()) {
            advance();
        }
        while (head != tail && fetch()) {
            if (descriptor.type() == Descriptor.WAIT) {
                advance();
            } else if (!carryOut()) {
                break;
            }
        }
        faults.raise(FaultRecords.TIMED_OUT);
    }

    /* Reads the descriptor at the head; false if there is no such memory. */
    private boolean fetch() {
        long at = (address & -PhysicalMemory.PAGE_SIZE) + head;
        try {
            long low = memory.loadAcquire(at);
            long high = memory.loadAcquire(at + 8);
            long rest = isWide() ? memory.loadAcquire(at + 16) | memory.loadAcquire(at + 24) : 0;
            descriptor.read(low, high, rest);
            return true;
        } catch (IndexOutOfBoundsException e) {
            return false;
        }
    }

    private void advance() {
        head = (head + bytes()) % size();
    }

    private boolean isWide() {
        return (address & WIDE) != 0;
    }

    /* The size of a descriptor. */
    private int bytes() {
        return isWide() ? WIDE_BYTES : NARROW_BYTES;
    }

    private boolean stop(int error) {
        errorRecord = error;
        faults.raise(FaultRecords.QUEUE_ERROR);
        return false;
    }

    private int size() {
        return PhysicalMemory.PAGE_SIZE << ((int) address & SIZE_BITS);
    }

    /* 32 bits, and the neighbour stays as it is. A status that reaches no memory is lost. */
    private void writeStatus(long at, int value) {
        long word = at & -Long.BYTES;
        try {
            long seen;
            long wanted;
            do {
                seen = memory.loadAcquire(word);
                wanted = RegisterBlock.withHalf((int) at & 4, seen, value);
            } while (memory.compareAndExchange(word, seen, wanted) != seen);
        } catch (IndexOutOfBoundsException e) {
            return;
        }
    }
}
