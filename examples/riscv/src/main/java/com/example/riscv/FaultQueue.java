package com.example.riscv;

import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/**
 * The fault queue of a unit: a ring of records that the unit fills (RISC-V IOMMU,
 * Fault/Event-Queue). Used by one thread at a time.
 *
 * <p>A unit that finds it full records nothing until it is told to go on; so what is lost lies
 * between the records that are there then and the next one.
 */
final class FaultQueue {

    private static final int ENTRIES_LOG2 = 7;
    private static final int PLACES = 1 << ENTRIES_LOG2;
    private static final int RECORD_BYTES = 32;
    private static final int ADDRESS = 16;
    private static final int CAUSE_MASK = 0xfff;
    private static final int TYPE_SHIFT = 34;
    private static final int TYPE_MASK = 0x3f;
    private static final int WRITE = 3;
    private static final int DEVICE_SHIFT = 40;
    private static final long PAGE_MASK = -0x1000L;

    private final UnitRegisters registers;
    private final PhysicalMemory memory;
    private final long ring;
    private boolean lost;

    /**
     * Makes a queue that stands still.
     *
     * @param registers the unit's
     * @param memory where the page is
     * @param ring a page for the records
     */
    FaultQueue(UnitRegisters registers, PhysicalMemory memory, long ring) {
        this.registers = registers;
        this.memory = memory;
        this.ring = ring;
    }

    void start() {
        registers.queueOff(UnitRegisters.FQCSR);
        registers.queueOn(
                UnitRegisters.FQB, UnitRegisters.FQH, UnitRegisters.FQCSR, ring, ENTRIES_LOG2);
    }

    void stop() {
        registers.queueOff(UnitRegisters.FQCSR);
    }

    /**
     * Hands every record on, oldest first, and makes room for others.
     *
     * @param taker gets them
     * @return true if the unit could not record all since the last time
     */
    boolean take(Consumer<? super DmaFault> taker) {
        int state = registers.read32(UnitRegisters.FQCSR);
        int head = registers.read32(UnitRegisters.FQH);
        int tail = registers.read32(UnitRegisters.FQT);
        while (head != tail) {
            long record = ring + (long) head * RECORD_BYTES;
            DmaFault fault = fault(memory.loadAcquire(record), memory.loadPlain(record + ADDRESS));
            head = head + 1 & PLACES - 1;
            registers.write32(UnitRegisters.FQH, head);
            lost = false;
            taker.accept(fault);
        }
        if ((state & UnitRegisters.ERRORS) == 0) {
            return false;
        }
        registers.write32(UnitRegisters.FQCSR, UnitRegisters.ENABLE | state & UnitRegisters.ERRORS);
        lost |= (state & UnitRegisters.FQCSR_OVERFLOW) != 0;
        return (state & UnitRegisters.FQCSR_OVERFLOW) != 0;
    }

    private DmaFault fault(long word, long address) {
        int cause = (int) word & CAUSE_MASK;
        return new DmaFault(
                Unit.source((int) (word >>> DEVICE_SHIFT)),
                SourceId.NO_PASID,
                address & PAGE_MASK,
                ((int) (word >>> TYPE_SHIFT) & TYPE_MASK) == WRITE,
                cause,
                inWords(cause),
                lost);
    }

    /** What the specification calls a cause. */
    private static String inWords(int cause) {
        return switch (cause) {
            case 5 -> "read access fault";
            case 7 -> "write access fault";
            case 13 -> "read page fault";
            case 15 -> "write page fault";
            case 21 -> "read guest-page fault";
            case 23 -> "write guest-page fault";
            case 256 -> "all inbound transactions disallowed";
            case 257 -> "device directory entry load access fault";
            case 258 -> "device directory entry not valid";
            case 259 -> "device directory entry misconfigured";
            case 260 -> "transaction type disallowed";
            default -> "cause " + cause;
        };
    }
}
