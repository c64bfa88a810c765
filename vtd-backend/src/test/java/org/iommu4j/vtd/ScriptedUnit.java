package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;

/**
 * Registers that do as a test says: any capabilities, deaf to commands, a queue that stands, stops
 * or refuses. It translates nothing; whatever shows in DMA is tested with the emulator.
 */
final class ScriptedUnit implements RemappingUnit, MmioRegion {

    static final int TE = 1 << 31;
    static final int SRTP = 1 << 30;
    static final int QIE = 1 << 26;

    /** 39, 48 and 57 bits, 2 MiB and 1 GiB, page-selective up to 18, one fault record at 0x200. */
    static final long CAP = 0x00d2_008c_2038_0e06L;

    /** Coherent, with a queue. */
    static final long ECAP = 3;

    /** As CAP, and first-stage leaves of 1 GiB and tables of five levels. */
    static final long SCALABLE_CAP = CAP | 1L << 56 | 1L << 60;

    /**
     * As ECAP, with all of scalable mode: both stages and pass-through, 20 bits of PASID, coherent
     * page walks, device TLBs and page requests.
     */
    static final long SCALABLE_ECAP =
            ECAP | 1 << 2 | 1 << 6 | 1 << 29 | 19L << 35 | 1L << 40 | 0xfL << 46 | 1L << 43;

    private static final long TYPE = 0xf;
    private static final int WAIT = 5;
    private static final int STATUS_WRITE = 1 << 5;

    final List<String> written = new ArrayList<>();
    final List<Descriptor> carriedOut = new ArrayList<>();
    private final PhysicalMemory memory;
    private final long cap;
    private final long ecap;
    private final int bus;
    private final Map<Long, Integer> registers = new HashMap<>();
    private int deafTo;
    private boolean standing;
    private boolean abortsWaits;
    private Consumer<Descriptor> watcher = _ -> {};
    private Descriptor refused = new Descriptor(-1, -1);

    ScriptedUnit(PhysicalMemory memory, long cap, long ecap, int bus) {
        this.memory = memory;
        this.cap = cap;
        this.ecap = ecap;
        this.bus = bus;
        put(UnitRegisters.VER, 0x10);
        put64(UnitRegisters.CAP, cap);
        put64(UnitRegisters.ECAP, ecap);
    }

    ScriptedUnit(PhysicalMemory memory) {
        this(memory, CAP, ECAP, 0);
    }

    /** From now on these bits of the command register do nothing. */
    synchronized ScriptedUnit deafTo(int commands) {
        deafTo = commands;
        return this;
    }

    /** Lets a test look at the world whenever a descriptor is carried out. */
    synchronized void watch(Consumer<Descriptor> looks) {
        watcher = looks;
    }

    /** The queue does not go on until it is {@linkplain #go told} to. */
    synchronized void stand() {
        standing = true;
    }

    synchronized void go() {
        standing = false;
        workOff();
    }

    /** Refuses the next descriptor that equals this one. */
    synchronized void refuse(Descriptor descriptor) {
        refused = descriptor;
    }

    /** Raises a time-out when it works on: all waits in the queue are dropped. */
    synchronized void abortWaits() {
        abortsWaits = true;
    }

    synchronized int get(long offset) {
        return registers.getOrDefault(offset, 0);
    }

    synchronized void put(long offset, int value) {
        registers.put(offset, value);
    }

    synchronized long get64(long offset) {
        return Integer.toUnsignedLong(get(offset)) | (long) get(offset + 4) << 32;
    }

    synchronized void put64(long offset, long value) {
        put(offset, (int) value);
        put(offset + 4, (int) (value >>> 32));
    }

    @Override
    public MmioRegion registers() {
        return this;
    }

    @Override
    public boolean covers(SourceId device) {
        return device.bus() == bus;
    }

    @Override
    public long address() {
        return 0xfed9_0000L + (long) bus * 0x1000;
    }

    @Override
    public long size() {
        return 0x1000;
    }

    @Override
    public synchronized int read32(long offset) {
        return get(offset);
    }

    @Override
    public synchronized long read64(long offset) {
        return get64(offset);
    }

    @Override
    public synchronized void write32(long offset, int value) {
        written.add("0x" + Long.toHexString(offset) + "=0x" + Integer.toHexString(value));
        switch ((int) offset) {
            case UnitRegisters.GCMD -> command(value);
            case UnitRegisters.FSTS -> {
                put(offset, get(offset) & ~value);
                workOff();
            }
            case UnitRegisters.PRS -> put(offset, get(offset) & ~value);
            case UnitRegisters.PMEN -> put(offset, value & ~1 | get(offset) & deafTo & 1);
            default -> {
                boolean record = offset >= faultRecords() && offset % 16 == 12;
                put(offset, record ? get(offset) & ~value : value);
            }
        }
    }

    @Override
    public synchronized void write64(long offset, long value) {
        written.add("0x" + Long.toHexString(offset) + "=0x" + Long.toHexString(value));
        put64(offset, value);
        if (offset == UnitRegisters.IQT) {
            workOff();
        }
    }

    private int faultRecords() {
        return new UnitCapabilities(cap, ecap).faultRecordOffset();
    }

    private void command(int value) {
        int heard = (value & ~deafTo) | get(UnitRegisters.GSTS) & deafTo;
        if ((heard & QIE) == 0) {
            put64(UnitRegisters.IQH, 0);
        }
        put(UnitRegisters.GSTS, heard);
    }

    private void workOff() {
        int errors = UnitRegisters.FSTS_IQE | UnitRegisters.FSTS_ICE | UnitRegisters.FSTS_ITE;
        while (!standing
                && (get(UnitRegisters.GSTS) & QIE) != 0
                && (get(UnitRegisters.FSTS) & errors) == 0
                && get64(UnitRegisters.IQH) != get64(UnitRegisters.IQT)) {
            long queue = get64(UnitRegisters.IQA);
            int bytes = (queue & 1 << 11) == 0 ? 16 : 32;
            long at = (queue & -0x1000) + get64(UnitRegisters.IQH);
            Descriptor next =
                    new Descriptor(
                            memory.loadAcquire(at),
                            memory.loadAcquire(at + 8),
                            bytes == 16 ? 0 : memory.loadAcquire(at + 16),
                            bytes == 16 ? 0 : memory.loadAcquire(at + 24));
            if (next.equals(refused)) {
                refused = new Descriptor(-1, -1);
                put(UnitRegisters.FSTS, get(UnitRegisters.FSTS) | UnitRegisters.FSTS_IQE);
                return;
            }
            put64(UnitRegisters.IQH, get64(UnitRegisters.IQH) + bytes & 0xfff);
            boolean wait = (next.low() & TYPE) == WAIT;
            boolean stores = wait && (next.low() & STATUS_WRITE) != 0;
            if (!stores) {
                carriedOut.add(next);
                watcher.accept(next);
            } else if (!abortsWaits) {
                memory.storeRelease(next.high(), next.low() >>> 32);
            }
        }
        if (abortsWaits && !standing) {
            abortsWaits = false;
            put(UnitRegisters.FSTS, get(UnitRegisters.FSTS) | UnitRegisters.FSTS_ITE);
        }
    }
}
