package com.example.riscv;

import org.iommu4j.api.Stage;

/**
 * A command to the unit: 16 bytes in the command queue (RISC-V IOMMU, Command-Queue).
 *
 * @param low the first eight
 * @param high the others
 */
record Command(long low, long high) {

    static final int BYTES = 16;

    private static final int IOTINVAL_VMA = 1;
    private static final int IOTINVAL_GVMA = 1 | 1 << 7;
    private static final int IOFENCE_C = 2;
    private static final int IODIR_INVAL_DDT = 3;
    private static final long AV = 1 << 10;
    private static final long PR = 1 << 12;
    private static final long PW = 1 << 13;
    private static final int PSCID_SHIFT = 12;
    private static final long PSCV = 1L << 32;
    private static final long GV = 1L << 33;
    private static final int GSCID_SHIFT = 44;
    private static final long DV = 1L << 33;
    private static final int DID_SHIFT = 40;
    private static final int DATA_SHIFT = 32;

    /** Forgets the leaf that translates an address; the tables above it may be remembered. */
    static Command leafAt(SoftContext context, long iova) {
        return new Command(of(context) | AV, iova >>> 2);
    }

    /** Forgets everything of an address space. */
    static Command all(SoftContext context) {
        return new Command(of(context), 0);
    }

    /** Forgets every translation by first-stage tables. */
    static Command everyFirstStage() {
        return new Command(IOTINVAL_VMA, 0);
    }

    /** Forgets every translation by second-stage tables. */
    static Command everySecondStage() {
        return new Command(IOTINVAL_GVMA, 0);
    }

    /** Forgets what the unit knows of a device. */
    static Command device(int deviceId) {
        return new Command(IODIR_INVAL_DDT | DV | (long) deviceId << DID_SHIFT, 0);
    }

    /** Forgets what the unit knows of all devices. */
    static Command everyDevice() {
        return new Command(IODIR_INVAL_DDT, 0);
    }

    /**
     * Ends when everything before it has been done, and every DMA that was translated before has
     * reached memory; then stores a number.
     */
    static Command fence(long address, int number) {
        return new Command(IOFENCE_C | AV | PR | PW | (long) number << DATA_SHIFT, address >>> 2);
    }

    private static long of(SoftContext context) {
        return context.stage() == Stage.FIRST
                ? IOTINVAL_VMA | PSCV | (long) context.id() << PSCID_SHIFT
                : IOTINVAL_GVMA | GV | (long) context.id() << GSCID_SHIFT;
    }
}
