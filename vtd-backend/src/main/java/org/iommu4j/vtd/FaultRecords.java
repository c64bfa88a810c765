package org.iommu4j.vtd;

import java.util.List;
import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;

/**
 * The fault recording registers of one unit (VT-d, Fault Recording Registers): a ring of records,
 * each free for the next fault once software has cleared its F.
 *
 * <p>When all are full the unit sets PFO and records nothing until software has cleared it; so what
 * is lost lies between the records that are there then and the next one.
 */
final class FaultRecords {

    private static final int RECORD_BYTES = 16;
    private static final int FAULT = 1 << 31;
    private static final int TYPE = 1 << 30;
    private static final int INDEX_SHIFT = 8;
    private static final int INDEX_MASK = 0xff;
    private static final int REASON_MASK = 0xff;
    private static final int SOURCE_MASK = 0xffff;
    private static final long PAGE_MASK = -0x1000L;
    private static final int TYPE_2 = 1 << 28;
    private static final int PASID_PRESENT = 1 << 31;
    private static final int PASID_SHIFT = 8;
    private static final int PASID_MASK = 0xf_ffff;

    private final DiscoveredUnit unit;
    private final UnitRegisters registers;
    private final List<Device> devices;
    private final int offset;
    private final int count;
    /*
     * The record behind the last that was taken; negative before the first. FSTS tells only where the unit was when it set
     * PPF, which it does not move while faults come as fast as they are taken.
     */
    private int next = -1;
    private boolean lost;

    FaultRecords(DiscoveredUnit unit, List<Device> devices) {
        this.unit = unit;
        this.registers = unit.registers();
        this.devices = devices;
        this.offset = unit.capabilities().faultRecordOffset();
        this.count = unit.capabilities().faultRecords();
    }

    /** Clears everything that was recorded so far, by whomever. */
    synchronized void forget() {
        for (int i = 0; i < count; i++) {
            registers.write32(offset + i * RECORD_BYTES + 12, FAULT);
        }
        registers.write32(UnitRegisters.FSTS, UnitRegisters.FSTS_PFO);
    }

    /**
     * Hands on and clears every recorded fault, in the order in which they were recorded.
     *
     * @param taker gets them
     * @return true if the unit could not record all since the last time
     */
    synchronized boolean take(Consumer<? super DmaFault> taker) {
        int state = registers.read32(UnitRegisters.FSTS);
        if ((state & UnitRegisters.FSTS_PPF) != 0) {
            if (next < 0 || !isFull(next)) {
                next = state >>> INDEX_SHIFT & INDEX_MASK;
            }
            for (int i = 0; i < count && takeOne(next, taker); i++) {
                next = (next + 1) % count;
            }
        }
        boolean overflow = (state & UnitRegisters.FSTS_PFO) != 0;
        if (overflow) {
            registers.write32(UnitRegisters.FSTS, UnitRegisters.FSTS_PFO);
            lost = true;
        }
        return overflow;
    }

    private boolean isFull(int index) {
        return (registers.read32(offset + index * RECORD_BYTES + 12) & FAULT) != 0;
    }

    private boolean takeOne(int index, Consumer<? super DmaFault> taker) {
        int record = offset + index * RECORD_BYTES;
        int top = registers.read32(record + 12);
        if ((top & FAULT) == 0) {
            return false;
        }
        long page = registers.read64(record) & PAGE_MASK;
        int requester = registers.read32(record + 8) & SOURCE_MASK;
        int attributes = registers.read32(record + 8);
        registers.write32(record + 12, FAULT);
        int reason = top & REASON_MASK;
        boolean atomic = (attributes & TYPE_2) != 0;
        DmaFault fault =
                new DmaFault(
                        source(requester),
                        pasid(top, attributes),
                        page,
                        (top & TYPE) == 0 || atomic,
                        reason,
                        FaultReason.inWords(reason),
                        lost);
        lost = false;
        taker.accept(fault);
        return true;
    }

    /** Requests without a process address space id have the one for these, or none. */
    private static int pasid(int top, int attributes) {
        int pasid = top >>> PASID_SHIFT & PASID_MASK;
        return (attributes & PASID_PRESENT) == 0 || pasid == 0 ? SourceId.NO_PASID : pasid;
    }

    /** The unit tells no segment: that of a device it covers, or the first. */
    SourceId source(int requester) {
        for (Device device : devices) {
            if (device.source().requester() == requester && unit.unit().covers(device.source())) {
                return device.source();
            }
        }
        return new SourceId(0, requester >>> 8, requester >>> 3 & 0x1f, requester & 7);
    }
}
