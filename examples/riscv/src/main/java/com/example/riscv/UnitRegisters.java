package com.example.riscv;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.machine.MmioRegion;

/** The registers of a unit by their names (RISC-V IOMMU, Memory-mapped register interface). */
final class UnitRegisters {

    static final int CAPABILITIES = 0;
    static final int DDTP = 16;
    static final int CQB = 24;
    static final int CQH = 32;
    static final int CQT = 36;
    static final int FQB = 40;
    static final int FQH = 48;
    static final int FQT = 52;
    static final int CQCSR = 72;
    static final int FQCSR = 76;

    /** Of CQCSR and FQCSR: software turns the queue on. */
    static final int ENABLE = 1;

    /**
     * Why a queue stands until they are written: a command could not be fetched, timed out, or is
     * illegal (CQCSR), a record could not be stored, or there was no room (FQCSR).
     */
    static final int ERRORS = 7 << 8;

    /** Of FQCSR: there was no room. */
    static final int FQCSR_OVERFLOW = 1 << 9;

    private static final int ON = 1 << 16;
    private static final int BUSY = 1 << 17;
    private static final long DDTP_MODE = 0xf;
    private static final long DDTP_BUSY = 1 << 4;
    private static final long LIMIT_NANOS = Duration.ofSeconds(10).toNanos();
    private static final long NAP_NANOS = 5_000;
    private static final int SPINS = 500;

    private final MmioRegion registers;

    UnitRegisters(MmioRegion registers) {
        this.registers = registers;
    }

    /** {@return what the unit is called in messages} */
    String unit() {
        return "the IOMMU at 0x" + Long.toHexString(registers.address());
    }

    UnitCapabilities capabilities() {
        return new UnitCapabilities(registers.read64(CAPABILITIES));
    }

    int read32(int offset) {
        return registers.read32(offset);
    }

    void write32(int offset, int value) {
        registers.write32(offset, value);
    }

    /**
     * Points the unit to its device directory, or away from it.
     *
     * @param mode the number of levels plus one; 0 to block every device
     * @param root the root's physical address
     * @return false if the unit does not have that mode; it blocks every device then
     */
    boolean directory(int mode, long root) {
        awaitClear(DDTP_BUSY, "ddtp");
        registers.write64(DDTP, mode | root >>> 2);
        awaitClear(DDTP_BUSY, "ddtp");
        boolean kept = (registers.read64(DDTP) & DDTP_MODE) == mode;
        if (!kept) {
            registers.write64(DDTP, 0);
            awaitClear(DDTP_BUSY, "ddtp");
        }
        return kept;
    }

    /**
     * Turns a queue on that is off, whatever made it stand before.
     *
     * @param base the register of its ring
     * @param index the register of the end that software moves
     * @param control its control register
     * @param ring the ring's physical address
     * @param entriesLog2 the logarithm of the number of its entries
     */
    void queueOn(int base, int index, int control, long ring, int entriesLog2) {
        registers.write64(base, ring >>> 2 | entriesLog2 - 1);
        registers.write32(index, 0);
        registers.write32(control, ENABLE | read32(control) & ERRORS);
        await(() -> (read32(control) & (ON | BUSY)) == ON, "turn the queue on", control);
    }

    /** Turns a queue off, if it is on. */
    void queueOff(int control) {
        await(() -> (read32(control) & BUSY) == 0, "be ready", control);
        registers.write32(control, 0);
        await(() -> (read32(control) & (ON | BUSY)) == 0, "turn the queue off", control);
    }

    /**
     * Waits for the unit, ten seconds at most: it has answered by then, or never will.
     *
     * @param done looks whether it has done it
     * @param what it is to do
     * @param control the register that says why not
     * @throws UnitTimeoutException if it has not
     */
    void await(BooleanSupplier done, String what, int control) {
        long begin = System.nanoTime();
        for (int looks = 0; !done.getAsBoolean(); looks++) {
            if (looks < SPINS) {
                Thread.onSpinWait();
            } else if (System.nanoTime() - begin > LIMIT_NANOS) {
                throw new UnitTimeoutException(
                        "waited 10 s for "
                                + unit()
                                + " to "
                                + what
                                + ": the register at "
                                + control
                                + " is 0x"
                                + Integer.toHexString(read32(control)));
            } else {
                LockSupport.parkNanos(NAP_NANOS);
            }
        }
    }

    private void awaitClear(long bit, String name) {
        await(() -> (registers.read64(DDTP) & bit) == 0, "take " + name, DDTP);
    }
}
