package org.iommu4j.vtd;

import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.machine.MmioRegion;

/**
 * The registers of one unit (VT-d, Register Descriptions), by their names there, and the manners of
 * the command register: one command at a time, and what is on is written again.
 */
final class UnitRegisters {

    static final int VER = 0x0;
    static final int CAP = 0x8;
    static final int ECAP = 0x10;
    static final int GCMD = 0x18;
    static final int GSTS = 0x1c;
    static final int RTADDR = 0x20;
    static final int FSTS = 0x34;
    static final int FECTL = 0x38;
    static final int PMEN = 0x64;
    static final int IQH = 0x80;
    static final int IQT = 0x88;
    static final int IQA = 0x90;
    static final int IECTL = 0xa0;
    static final int IQERCD = 0xb0;
    static final int PQH = 0xc0;
    static final int PQT = 0xc8;
    static final int PQA = 0xd0;
    static final int PRS = 0xdc;
    static final int PECTL = 0xe0;

    /** In PRS: page requests are in the ring. */
    static final int PRS_PPR = 1;

    /** In PRS: page requests were dropped, for want of room in the ring. */
    static final int PRS_PRO = 1 << 1;

    /** In FSTS: faults were lost. */
    static final int FSTS_PFO = 1;

    /** In FSTS: a fault is recorded. */
    static final int FSTS_PPF = 1 << 1;

    /** In FSTS: the queue stands because of a descriptor. */
    static final int FSTS_IQE = 1 << 4;

    /** In FSTS: a completion came that nobody waits for. */
    static final int FSTS_ICE = 1 << 5;

    /** In FSTS: a device did not answer an invalidation, and waits were aborted. */
    static final int FSTS_ITE = 1 << 6;

    private static final int TE = 1 << 31;
    private static final int SRTP = 1 << 30;
    private static final int SFL = 1 << 29;
    private static final int WBF = 1 << 27;
    private static final int QIE = 1 << 26;
    private static final int SIRTP = 1 << 24;
    private static final int ONE_SHOT = SRTP | SFL | WBF | SIRTP;

    private static final int INTERRUPT_MASK = 1 << 31;
    private static final int PROTECTED_MEMORY_STATUS = 1;

    private final MmioRegion region;
    private final Patience patience;

    UnitRegisters(MmioRegion region, Patience patience) {
        this.region = region;
        this.patience = patience;
    }

    /** {@return how messages call the unit} */
    String unit() {
        return "the unit at 0x" + Long.toHexString(region.address());
    }

    /** {@return the number of bytes the registers take} */
    long size() {
        return region.size();
    }

    int read32(int offset) {
        return region.read32(offset);
    }

    void write32(int offset, int value) {
        region.write32(offset, value);
    }

    long read64(int offset) {
        return region.read64(offset);
    }

    void write64(int offset, long value) {
        region.write64(offset, value);
    }

    boolean translates() {
        return (read32(GSTS) & TE) != 0;
    }

    /**
     * Turns translation on or off, and waits until it is.
     *
     * @throws UnitTimeoutException if that does not happen
     */
    void translate(boolean on) {
        turn(TE, on, "TES");
    }

    boolean queues() {
        return (read32(GSTS) & QIE) != 0;
    }

    /**
     * Turns the invalidation queue on or off, and waits until it is.
     *
     * @throws UnitTimeoutException if that does not happen
     */
    void queue(boolean on) {
        turn(QIE, on, "QIES");
    }

    /**
     * Makes the unit use another root table; its caches keep what they have.
     *
     * @param address the table's physical address
     * @throws UnitTimeoutException if it does not
     */
    void rootTable(long address) {
        write64(RTADDR, address);
        turn(SRTP, true, "RTPS");
    }

    /** Faults and invalidations are looked for, not announced by interrupts. */
    void maskInterrupts() {
        write32(FECTL, INTERRUPT_MASK);
        write32(IECTL, INTERRUPT_MASK);
    }

    /**
     * Ends the protection of memory that firmware may have left on.
     *
     * @throws UnitTimeoutException if it does not end
     */
    void unprotectMemory() {
        write32(PMEN, 0);
        patience.until(
                () -> (read32(PMEN) & PROTECTED_MEMORY_STATUS) == 0,
                () -> unit() + " to end the protection of memory: PMEN is " + hex(read32(PMEN)));
    }

    /**
     * Waits until the unit has fetched everything in its queue.
     *
     * @param meanwhile runs between two looks
     * @throws UnitTimeoutException if it does not
     */
    void awaitEmptyQueue(Runnable meanwhile) {
        patience.until(
                () -> {
                    meanwhile.run();
                    return read64(IQH) == read64(IQT);
                },
                () ->
                        unit()
                                + " to work its queue off: IQH is 0x"
                                + Long.toHexString(read64(IQH))
                                + ", IQT 0x"
                                + Long.toHexString(read64(IQT))
                                + ", FSTS "
                                + hex(read32(FSTS)));
    }

    private synchronized void turn(int bit, boolean on, String name) {
        int others = read32(GSTS) & ~ONE_SHOT & ~bit;
        write32(GCMD, on ? others | bit : others);
        patience.until(
                () -> (read32(GSTS) & bit) != 0 == on,
                () ->
                        unit()
                                + " to make GSTS."
                                + name
                                + (on ? " 1" : " 0")
                                + ": GSTS is "
                                + hex(read32(GSTS)));
    }

    static String hex(int register) {
        return "0x" + Integer.toHexString(register);
    }
}
