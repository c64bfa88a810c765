package com.example.riscv.unit;

import org.iommu4j.machine.PhysicalMemory;

/** The fault queue as the unit fills it (RISC-V IOMMU, Fault/Event-Queue). */
final class FaultRecorder {

    private static final int MEMORY_FAULT = 1 << 8;
    private static final int OVERFLOW = 1 << 9;
    private static final int ERRORS = MEMORY_FAULT | OVERFLOW;
    private static final int ON = 1 << 16;
    private static final int RECORD_BYTES = 32;
    private static final long READ = 2L << 34;
    private static final long WRITE = 3L << 34;
    private static final long PAGE_NUMBERS = 0x003f_ffff_ffff_fc00L;

    private final PhysicalMemory memory;
    private long base;
    private int head;
    private int tail;
    private int control;

    FaultRecorder(PhysicalMemory memory) {
        this.memory = memory;
    }

    synchronized long base() {
        return base;
    }

    synchronized void base(long value) {
        base = value;
    }

    synchronized int head() {
        return head;
    }

    synchronized void moveHead(int value) {
        head = value & places() - 1;
    }

    synchronized int tail() {
        return tail;
    }

    synchronized int control() {
        return control;
    }

    synchronized void control(int value) {
        boolean enable = (value & 1) != 0;
        if (enable && (control & ON) == 0) {
            tail = 0;
        }
        control = control & ERRORS & ~value | (enable ? 1 | ON : 0);
    }

    /** Records a fault, if there is room and none was lost before. */
    synchronized void record(int cause, int deviceId, long iova, boolean write) {
        if ((control & ON) == 0 || (control & ERRORS) != 0) {
            return;
        }
        int next = tail + 1 & places() - 1;
        long place = (base & PAGE_NUMBERS) << 2 | (long) tail * RECORD_BYTES;
        if (next == head) {
            control |= OVERFLOW;
        } else if (!memory.containsPage(place & -PhysicalMemory.PAGE_SIZE)) {
            control |= MEMORY_FAULT;
        } else {
            memory.storePlain(place + 8, 0);
            memory.storePlain(place + 16, iova);
            memory.storePlain(place + 24, 0);
            memory.storeRelease(place, cause | (write ? WRITE : READ) | (long) deviceId << 40);
            tail = next;
        }
    }

    private int places() {
        return 2 << (base & 0x1f);
    }
}
