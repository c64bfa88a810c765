package com.example.riscv.unit;

import org.iommu4j.machine.PhysicalMemory;

/**
 * The command queue as the unit works it off (RISC-V IOMMU, Command-Queue), one command after
 * another, each with all DMA standing still: so whatever a fence is to wait for has ended.
 */
final class CommandProcessor {

    private static final int IOTINVAL_VMA = 1;
    private static final int IOTINVAL_GVMA = 1 | 1 << 7;
    private static final int IOFENCE_C = 2;
    private static final int IODIR_INVAL_DDT = 3;
    private static final int KIND = 0x3ff;
    private static final long AV = 1 << 10;
    private static final long WSI = 1 << 11;
    private static final long PSCV = 1L << 32;
    private static final long GV = 1L << 33;
    private static final long DV = 1L << 33;
    private static final int MEMORY_FAULT = 1 << 8;
    private static final int ILLEGAL = 1 << 10;
    private static final int ERRORS = 7 << 8;
    private static final int ON = 1 << 16;
    private static final int COMMAND_BYTES = 16;
    private static final long PAGE_NUMBERS = 0x003f_ffff_ffff_fc00L;

    private final PhysicalMemory memory;
    private final TranslationCaches caches;
    private long base;
    private int head;
    private int tail;
    private int control;

    CommandProcessor(PhysicalMemory memory, TranslationCaches caches) {
        this.memory = memory;
        this.caches = caches;
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

    synchronized int tail() {
        return tail;
    }

    synchronized int control() {
        return control;
    }

    synchronized void control(int value) {
        boolean enable = (value & 1) != 0;
        if (enable && (control & ON) == 0) {
            head = 0;
        }
        int errors = control & ERRORS & ~value;
        control = errors | (enable ? 1 | ON : 0);
        workOff();
    }

    synchronized void moveTail(int value) {
        tail = value & places() - 1;
        workOff();
    }

    private void workOff() {
        while ((control & ON) != 0 && (control & ERRORS) == 0 && head != tail) {
            control |= run((base & PAGE_NUMBERS) << 2 | (long) head * COMMAND_BYTES);
            if ((control & ERRORS) == 0) {
                head = head + 1 & places() - 1;
            }
        }
    }

    /** Runs one command; returns the error, or 0. */
    private int run(long place) {
        if (!memory.containsPage(place & -PhysicalMemory.PAGE_SIZE)) {
            return MEMORY_FAULT;
        }
        long low = memory.loadAcquire(place);
        long high = memory.loadAcquire(place + Long.BYTES);
        boolean hasAddress = (low & AV) != 0;
        long iova = high << 2 & -PhysicalMemory.PAGE_SIZE;
        switch ((int) low & KIND) {
            case IOTINVAL_VMA -> {
                int space =
                        (low & PSCV) == 0 ? TranslationCaches.ALL : (int) (low >>> 12) & 0xfffff;
                if ((low & GV)
                        == 0) { // else of a guest's first stage, which this unit does not have
                    caches.forget(Tables.FIRST, space, hasAddress, iova);
                }
            }
            case IOTINVAL_GVMA -> {
                if ((low & PSCV) != 0) {
                    return ILLEGAL;
                }
                int space = (low & GV) == 0 ? TranslationCaches.ALL : (int) (low >>> 44) & 0xffff;
                caches.forget(
                        Tables.SECOND, space, hasAddress && space != TranslationCaches.ALL, iova);
            }
            case IODIR_INVAL_DDT ->
                    caches.forgetDevice(
                            (low & DV) == 0 ? TranslationCaches.ALL : (int) (low >>> 40));
            case IOFENCE_C -> {
                if ((low & WSI) != 0) {
                    return ILLEGAL;
                }
                caches.awaitRequests();
                return hasAddress ? store(high << 2, (int) (low >>> 32)) : 0;
            }
            default -> {
                return ILLEGAL;
            }
        }
        return 0;
    }

    /** Stores four bytes. */
    private int store(long address, int value) {
        long word = address & -Long.BYTES;
        if (!memory.containsPage(word & -PhysicalMemory.PAGE_SIZE)) {
            return MEMORY_FAULT;
        }
        int shift = (int) (address & 4) * Byte.SIZE;
        long mask = 0xffff_ffffL << shift;
        long seen = memory.loadAcquire(word);
        while (true) {
            long wanted = seen & ~mask | (value & 0xffff_ffffL) << shift;
            long found = memory.compareAndExchange(word, seen, wanted);
            if (found == seen) {
                return 0;
            }
            seen = found;
        }
    }

    private int places() {
        return 2 << (base & 0x1f);
    }
}
