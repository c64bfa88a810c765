package org.iommu4j.vtd;

import java.util.List;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/** Page requests that a test puts into a scripted unit's ring, and the answers that come. */
final class ScriptedRequests {

    static final int READ = 1;
    static final int WRITE = 2;
    static final int LAST = 4;

    private static final int PRO = 2;
    private static final int RING_MASK = 0xfe0;

    private final ScriptedUnit unit;
    private final PhysicalMemory memory;
    private final SourceId device;

    ScriptedRequests(ScriptedUnit unit, PhysicalMemory memory, SourceId device) {
        this.unit = unit;
        this.memory = memory;
        this.device = device;
    }

    /** The device asks for a page; false if the ring has no room, or had none. */
    boolean ask(int pasid, int group, long iova, int how) {
        long name = (long) device.requester() << 16;
        long tag = pasid == SourceId.NO_PASID ? 0 : 1 << 8 | (long) pasid << 32;
        return put(1 | name | tag, iova | (long) group << 3 | how, 0, 0);
    }

    /** The device asks for a page without a process address space id. */
    boolean ask(int group, long iova, int how) {
        return ask(SourceId.NO_PASID, group, iova, how);
    }

    /** A record as it stands. */
    boolean put(long... words) {
        synchronized (unit) {
            long ring = unit.get64(UnitRegisters.PQA) & -0x1000;
            int tail = (int) unit.get64(UnitRegisters.PQT);
            int next = tail + 32 & RING_MASK;
            int status = unit.get(UnitRegisters.PRS);
            if ((status & PRO) != 0 || next == (int) unit.get64(UnitRegisters.PQH)) {
                unit.put(UnitRegisters.PRS, status | PRO);
                return false;
            }
            for (int i = 0; i < words.length; i++) {
                memory.storeRelease(ring + tail + i * 8L, words[i]);
            }
            unit.put64(UnitRegisters.PQT, next);
            unit.put(UnitRegisters.PRS, status | 1);
            return true;
        }
    }

    /** The answers so far, in order. */
    List<Descriptor> answers() {
        synchronized (unit) {
            return unit.carriedOut.stream().filter(Descriptor::isPageResponse).toList();
        }
    }

    /** The answer to a group without a process address space id. */
    Descriptor answer(int group, int code) {
        return new Descriptor(
                9 | (long) code << 12 | (long) device.requester() << 16, 4 | (long) group << 3);
    }

    /** The answer to a group of a process address space id. */
    Descriptor answer(int pasid, int group, int code) {
        return new Descriptor(
                answer(group, code).low() | 1 << 4 | (long) pasid << 32,
                answer(group, code).high());
    }
}
