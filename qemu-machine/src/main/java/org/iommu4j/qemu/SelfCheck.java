package org.iommu4j.qemu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MachineFailureException;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;

/*
 * What is built on here is how QEMU's devices behave, and not all of it is written down: that the controller moves the data
 * before it answers, and that each blocked request is traced. So every machine tries it once before it is given away.
 */

/** Tries, on a machine that nobody uses yet, whether this QEMU does what the machine relies on. */
final class SelfCheck {

    private static final int CAP = 0x8;
    private static final int GCMD = 0x18;
    private static final int RTADDR = 0x20;
    private static final int FSTS = 0x34;
    private static final int SET_ROOT = 1 << 30;
    private static final int TRANSLATE = 1 << 31;
    private static final int FAULT = 1 << 31;
    private static final int OVERFLOW = 1;
    private static final int ROOT_ENTRY_ABSENT = 1;

    private static final long DATA = 0x1000;
    private static final long NOWHERE = 0xd000_0000L;
    private static final long WRITTEN = 0x6f79_656c_6c6f_6371L;

    private SelfCheck() {}

    /**
     * Tries it, in the first two pages of memory, and leaves everything as it was.
     *
     * @throws MachineFailureException if this QEMU behaves otherwise
     */
    static void run(PhysicalMemory memory, MmioRegion registers, Device device) {
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        device.write(DATA, word.putLong(0, WRITTEN));
        require(memory.loadAcquire(DATA) == WRITTEN, "a DMA write does not arrive in memory");
        memory.storeRelease(DATA, ~WRITTEN);
        device.read(DATA, word.clear());
        require(word.getLong(0) == ~WRITTEN, "a DMA read does not bring what is in memory");
        memory.storeRelease(DATA, 0);
        DmaOutcome nowhere = device.read(NOWHERE, word.clear());
        require(
                nowhere.equals(DmaOutcome.blocked(NOWHERE, DmaOutcome.UNKNOWN)),
                "a DMA to where nothing is is not noted: " + nowhere);
        registers.write64(RTADDR, 0);
        registers.write32(GCMD, SET_ROOT);
        registers.write32(GCMD, TRANSLATE);
        DmaOutcome outcome = device.read(DATA, word.clear());
        registers.write32(GCMD, 0);
        forgetFault(registers);
        require(
                !outcome.isDone() && outcome.code() == ROOT_ENTRY_ABSENT,
                "a DMA without tables is not traced as blocked for reason 1: " + outcome);
    }

    private static void forgetFault(MmioRegion registers) {
        long records = (registers.read64(CAP) >>> 24 & 0x3ff) * 16;
        registers.write32(records + 12, FAULT);
        registers.write32(FSTS, OVERFLOW);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new MachineFailureException("this QEMU cannot be used: " + otherwise);
        }
    }
}
