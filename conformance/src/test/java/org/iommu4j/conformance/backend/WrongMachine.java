package org.iommu4j.conformance.backend;

import java.util.List;
import java.util.function.UnaryOperator;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;

/**
 * Stands between a driver that is right and a machine that is, and garbles what the driver asks of
 * the units: what the units see then is what a wrong driver would have asked.
 */
final class WrongMachine extends DelegatingMachine {

    /* VT-d, Register Descriptions: capability, queue tail and queue address; 16 bytes a descriptor. */
    private static final long CAP = 0x08;
    private static final long IQT = 0x88;
    private static final long IQA = 0x90;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    private static final long WIDE = 1 << 11;
    private static final long NOBODY = 0xfffe_0000L; // a domain id

    private static final int CONTEXT = 1;
    private static final int IOTLB = 2;
    private static final int PAGE_SELECTIVE = 3;

    /** A descriptor on its way: the low and the high word. */
    record Request(int unit, long low, long high) {

        int type() {
            return (int) low & 0xf;
        }

        boolean isOfPages() {
            return type() == IOTLB && (low >>> 4 & 3) == PAGE_SELECTIVE;
        }

        Request with(long newLow, long newHigh) {
            return new Request(unit, newLow, newHigh);
        }

        /** A request that does nothing: pages of a domain that nobody has. */
        Request swallowed() {
            return type() == IOTLB
                    ? with(low & ~0xffff_0030L | NOBODY | 2 << 4, 0)
                    : with(low & ~0xffff_ffff_0030L | NOBODY | 2 << 4, high);
        }
    }

    private final UnaryOperator<Request> garbling;
    private final long hidden;
    private final List<RemappingUnit> units;

    private WrongMachine(Machine machine, UnaryOperator<Request> garbling, long hidden) {
        super(machine);
        this.garbling = garbling;
        this.hidden = hidden;
        this.units =
                machine.remappingUnits().stream()
                        .<RemappingUnit>map(unit -> new GarbledUnit(unit, indexOf(unit)))
                        .toList();
    }

    private int indexOf(RemappingUnit unit) {
        return real.remappingUnits().indexOf(unit);
    }

    /** G4: a request covers half of what it should. */
    static Machine halvesMasks(Machine machine) {
        return new WrongMachine(
                machine,
                request ->
                        request.isOfPages() && (request.high() & 0x3f) > 0
                                ? request.with(request.low(), request.high() - 1)
                                : request,
                0);
    }

    /** G3: the leaf-only hint is in every request. */
    static Machine hintsAlways(Machine machine) {
        return new WrongMachine(
                machine,
                request ->
                        request.isOfPages()
                                ? request.with(request.low(), request.high() | 1 << 6)
                                : request,
                0);
    }

    /** G5: the driver does not know that the unit caches what is absent, or buffers writes. */
    static Machine hidesItsCachingMode(Machine machine) {
        return new WrongMachine(machine, request -> request, 1 << 7 | 1 << 4);
    }

    /** G7: the second unit forgets nothing. */
    static Machine forgetsTheSecondUnit(Machine machine) {
        return new WrongMachine(
                machine,
                request ->
                        request.unit() == 1 && request.type() == IOTLB
                                ? request.swallowed()
                                : request,
                0);
    }

    /** D3: no page is forgotten when it was cleaned, or unmapped. */
    static Machine forgetsPages(Machine machine) {
        return new WrongMachine(
                machine, request -> request.isOfPages() ? request.swallowed() : request, 0);
    }

    /** L2: a context entry that went stays cached. */
    static Machine forgetsContexts(Machine machine) {
        return new WrongMachine(
                machine, request -> request.type() == CONTEXT ? request.swallowed() : request, 0);
    }

    @Override
    public List<RemappingUnit> remappingUnits() {
        return units;
    }

    private final class GarbledUnit implements RemappingUnit {

        private final RemappingUnit unit;
        private final MmioRegion registers;

        GarbledUnit(RemappingUnit unit, int index) {
            this.unit = unit;
            this.registers = new GarbledRegisters(unit.registers(), index);
        }

        @Override
        public MmioRegion registers() {
            return registers;
        }

        @Override
        public boolean covers(SourceId device) {
            return unit.covers(device);
        }
    }

    private final class GarbledRegisters implements MmioRegion {

        private final MmioRegion registers;
        private final int index;

        GarbledRegisters(MmioRegion registers, int index) {
            this.registers = registers;
            this.index = index;
        }

        @Override
        public long address() {
            return registers.address();
        }

        @Override
        public long size() {
            return registers.size();
        }

        @Override
        public int read32(long offset) {
            return registers.read32(offset);
        }

        @Override
        public void write32(long offset, int value) {
            if (offset == IQT) {
                garble(value);
            }
            registers.write32(offset, value);
        }

        @Override
        public long read64(long offset) {
            long value = registers.read64(offset);
            return offset == CAP ? value & ~hidden : value;
        }

        @Override
        public void write64(long offset, long value) {
            if (offset == IQT) {
                garble(value);
            }
            registers.write64(offset, value);
        }

        /** Changes the descriptors between the queue's tail as it is and as it will be. */
        private void garble(long tail) {
            PhysicalMemory memory = real.memory().unobserved();
            long queue = registers.read64(IQA);
            long bytes = 0x1000L << (queue & 7);
            long step = (queue & WIDE) != 0 ? 32 : 16;
            for (long at = registers.read64(IQT); at != tail; at = (at + step) % bytes) {
                long address = (queue & ADDRESS) + at;
                Request was =
                        new Request(
                                index,
                                memory.loadAcquire(address),
                                memory.loadAcquire(address + 8));
                Request is = garbling.apply(was);
                memory.storeRelease(address, is.low());
                memory.storeRelease(address + 8, is.high());
            }
        }
    }
}
