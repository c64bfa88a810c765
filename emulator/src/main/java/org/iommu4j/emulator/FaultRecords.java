package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;

/**
 * The fault recording registers and the fault status register. Faults take the records in turn; one
 * that comes when its record is not free is lost, which the overflow bit says, and while that is
 * set every fault is. Any thread may call any method.
 */
final class FaultRecords implements RegisterBlock {

    /** Offset of the fault status register. */
    static final int STATUS = 0x34;

    /** Status: the queue cannot go on (IQE). */
    static final int QUEUE_ERROR = 1 << 4;

    /** Status: a device answered an invalidation wrongly (ICE). */
    static final int COMPLETION_ERROR = 1 << 5;

    /** Status: a device did not answer an invalidation (ITE). */
    static final int TIMED_OUT = 1 << 6;

    /** Status: what makes the queue stand. */
    static final int QUEUE_ERRORS = QUEUE_ERROR | COMPLETION_ERROR | TIMED_OUT;

    private static final int OVERFLOW = 1;
    private static final int PENDING = 1 << 1;
    private static final int FIRST_SHIFT = 8;

    /* A record is two words of 64 bits; the second: */
    private static final int RECORD_BYTES = 16;
    private static final long PRIVILEGED = 1 << 29;
    private static final long EXECUTES = 1 << 30;
    private static final long PASID_PRESENT = 1L << 31;
    private static final int REASON_SHIFT = 32;
    private static final int PASID_SHIFT = 40;
    private static final int TYPE_SHIFT = 60;
    private static final long READ = 1L << 62;
    private static final long FAULT = 1L << 63;

    private final long[] words;
    private final EventRegisters event;
    private final Runnable queueErrorsCleared;
    private int next;
    private int first;
    private volatile int status;

    /**
     * Makes empty records.
     *
     * @param count how many
     * @param event how software is told
     * @param queueErrorsCleared runs when software has cleared an error of the queue
     */
    FaultRecords(int count, EventRegisters event, Runnable queueErrorsCleared) {
        this.words = new long[2 * count];
        this.event = event;
        this.queueErrorsCleared = queueErrorsCleared;
    }

    /** {@return the bytes that the records take} */
    int bytes() {
        return words.length * Long.BYTES;
    }

    /**
     * Records a fault.
     *
     * @param source requester id
     * @param pasid the process address space id that the request carries, or {@link
     *     SourceId#NO_PASID}
     * @param iova the address
     * @param wanted what the request wants: the bits of {@link Translation}
     * @param type the request's address type: 0 untranslated, 1 translation request, 2 translated
     * @param reason the reason code
     */
    synchronized void record(int source, int pasid, long iova, int wanted, int type, int reason) {
        if ((status & OVERFLOW) != 0) {
            return;
        }
        if ((words[2 * next + 1] & FAULT) != 0) {
            raise(OVERFLOW);
            return;
        }
        boolean isFirst = !isPending();
        words[2 * next] = iova & ~0xfffL;
        words[2 * next + 1] =
                FAULT
                        | ((wanted & Translation.WRITE) != 0 ? 0 : READ)
                        | ofAddressSpace(pasid, wanted)
                        | (long) type << TYPE_SHIFT
                        | (long) reason << REASON_SHIFT
                        | source;
        if (isFirst) {
            first = next;
            event.raise();
        }
        next = (next + 1) % (words.length / 2);
    }

    /* Who asks for what inside of a process is only known of a request that carries its id. */
    private static long ofAddressSpace(int pasid, int wanted) {
        if (pasid == SourceId.NO_PASID) {
            return 0;
        }
        return PASID_PRESENT
                | (long) pasid << PASID_SHIFT
                | ((wanted & Translation.EXECUTE) != 0 ? EXECUTES : 0)
                | ((wanted & Translation.PRIVILEGED) != 0 ? PRIVILEGED : 0);
    }

    /** Sets a bit of the status. */
    synchronized void raise(int bit) {
        status |= bit;
        event.raise();
    }

    /** {@return true if a bit of some is set in the status} */
    boolean isRaised(int bits) {
        return (status & bits) != 0;
    }

    @Override
    public synchronized int read(int offset) {
        if (offset == STATUS) {
            return status | (isPending() ? PENDING | first << FIRST_SHIFT : 0);
        }
        int at = offset - Capabilities.FAULT_RECORDS;
        return RegisterBlock.half(offset, words[at / Long.BYTES]);
    }

    @Override
    public void write(int offset, int value) {
        boolean goesOn;
        synchronized (this) {
            goesOn = offset == STATUS && (status & value & QUEUE_ERRORS) != 0;
            if (offset == STATUS) {
                status &= ~(value & (OVERFLOW | QUEUE_ERRORS));
            } else if (offset % RECORD_BYTES == 12 && value < 0) {
                words[(offset - Capabilities.FAULT_RECORDS) / Long.BYTES] &= ~FAULT;
            }
            if (status == 0 && !isPending()) {
                event.settle();
            }
        }
        if (goesOn) {
            queueErrorsCleared.run();
        }
    }

    private boolean isPending() {
        for (int i = 1; i < words.length; i += 2) {
            if ((words[i] & FAULT) != 0) {
                return true;
            }
        }
        return false;
    }
}
