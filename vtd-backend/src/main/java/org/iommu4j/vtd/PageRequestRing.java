package org.iommu4j.vtd;

import java.util.function.Consumer;
import org.iommu4j.machine.PhysicalMemory;

/**
 * The page-request queue of one unit (VT-d, Page Request Queue): a ring of one page that the unit
 * fills and software empties.
 *
 * <p>When it is full the unit sets PRO and drops requests until software has emptied the ring and
 * cleared that. What was dropped the devices ask for again. Any thread may call any method, at any
 * time: a ring that its unit does not have is empty.
 */
final class PageRequestRing {

    private static final int BYTES = PhysicalMemory.PAGE_SIZE;
    private static final int OFFSET_MASK = BYTES - PageRequestRecord.BYTES;
    private static final int INTERRUPT_MASK = 1 << 31;

    private final UnitRegisters registers;
    private final PhysicalMemory memory;
    private final long ring;
    private int head;
    private boolean handedOver;

    /**
     * Makes a ring that its unit does not know.
     *
     * @param registers the unit's
     * @param memory where the page is
     * @param ring a page
     */
    PageRequestRing(UnitRegisters registers, PhysicalMemory memory, long ring) {
        this.registers = registers;
        this.memory = memory;
        this.ring = ring;
    }

    /** Hands the empty ring to the unit. */
    synchronized void start() {
        head = 0;
        registers.write32(UnitRegisters.PECTL, INTERRUPT_MASK);
        registers.write64(UnitRegisters.PQH, 0);
        registers.write64(UnitRegisters.PQT, 0);
        registers.write64(UnitRegisters.PQA, ring);
        registers.write32(UnitRegisters.PRS, UnitRegisters.PRS_PPR | UnitRegisters.PRS_PRO);
        handedOver = true;
    }

    /** Takes the ring from the unit. */
    synchronized void stop() {
        handedOver = false;
        registers.write64(UnitRegisters.PQH, 0);
        registers.write64(UnitRegisters.PQT, 0);
        registers.write64(UnitRegisters.PQA, 0);
    }

    /**
     * Takes every request that is in the ring.
     *
     * @param taker gets them, in order; it must not throw
     * @param dropped is called behind them, and before the unit adds any again, if it has dropped
     *     some since the last time; it must not throw
     * @return true if it has
     */
    synchronized boolean take(Consumer<PageRequestRecord> taker, Runnable dropped) {
        if (!handedOver) {
            return false;
        }
        takeUpTo(tail(), taker);
        if ((registers.read32(UnitRegisters.PRS) & UnitRegisters.PRS_PRO) == 0) {
            return false;
        }
        /* From PRO on the unit adds nothing, so the ring is empty after this. */
        takeUpTo(tail(), taker);
        dropped.run();
        registers.write32(UnitRegisters.PRS, UnitRegisters.PRS_PRO);
        return true;
    }

    private void takeUpTo(int tail, Consumer<PageRequestRecord> taker) {
        if (head == tail) {
            return;
        }
        while (head != tail) {
            taker.accept(record(ring + head));
            head = head + PageRequestRecord.BYTES & OFFSET_MASK;
        }
        registers.write64(UnitRegisters.PQH, head);
    }

    private PageRequestRecord record(long at) {
        return new PageRequestRecord(
                memory.loadAcquire(at),
                memory.loadAcquire(at + 8),
                memory.loadAcquire(at + 16),
                memory.loadAcquire(at + 24));
    }

    private int tail() {
        return (int) registers.read64(UnitRegisters.PQT) & OFFSET_MASK;
    }
}
