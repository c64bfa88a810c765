package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;

/**
 * A machine whose tables and queue a test writes by hand, word by word, as the specification
 * describes them: the second reading of it beside the unit's.
 */
final class Rig implements AutoCloseable {

    static final int VER = 0x0;
    static final int CAP = 0x8;
    static final int ECAP = 0x10;
    static final int GCMD = 0x18;
    static final int GSTS = 0x1c;
    static final int RTADDR = 0x20;
    static final int CCMD = 0x28;
    static final int FSTS = 0x34;
    static final int FECTL = 0x38;
    static final int IQH = 0x80;
    static final int IQT = 0x88;
    static final int IQA = 0x90;
    static final int ICS = 0x9c;
    static final int IECTL = 0xa0;
    static final int IQERCD = 0xb0;

    static final int TE = 1 << 31;
    static final int SRTP = 1 << 30;
    static final int WBF = 1 << 27;
    static final int QIE = 1 << 26;

    static final long READ = 1;
    static final long WRITE = 2;
    static final long RW = 3;
    static final long PS = 1 << 7;

    static final long KIB4 = 1L << 12;
    static final long MIB2 = 1L << 21;
    static final long GIB1 = 1L << 30;

    static final int DOMAIN = 5;
    private static final int QUEUE_BYTES = 4096;

    final EmulatedMachine machine;
    final PhysicalMemory memory;
    final MmioRegion registers;
    final Device device;
    final long rootTable;
    final long contextTable;
    final long queue;
    final long status;
    private long nextPage;
    private int waits;

    Rig(EmulatorOptions options) {
        machine = EmulatedMachine.create(options.sanitizer(false));
        memory = machine.memory();
        registers = machine.remappingUnits().getFirst().registers();
        device = machine.devices().getFirst();
        nextPage = machine.tableMemory().start();
        rootTable = page();
        contextTable = page();
        queue = page();
        status = page();
        memory.storeRelease(rootTable, contextTable | 1);
    }

    /** A machine of 16 MiB, so that tests are quick. */
    static EmulatorOptions options() {
        return EmulatorOptions.legacy().memory(16 << 20).tableMemory(4 << 20);
    }

    /** An observer that only sees loads. */
    static MemoryObserver beforeLoad(LongConsumer step) {
        return new MemoryObserver() {
            @Override
            public void beforeLoad(long address) {
                step.accept(address);
            }
        };
    }

    /** Tables that are seen as they are in memory. */
    static TableViews views(PhysicalMemory memory) {
        WalkMemory view = new SnoopedMemory(memory);
        return new TableViews(view, view, view);
    }

    /** A page of zeroes for a table. */
    long page() {
        long page = nextPage;
        nextPage += KIB4;
        return page;
    }

    /** Writes the context entry of the first device. */
    void context(long low, long high) {
        long at = contextTable + device.source().requester() % 256 * 16L;
        memory.storeRelease(at + 8, high);
        memory.storeRelease(at, low);
    }

    /** Lets the first device use tables of 39, 48 or 57 bits, and turns everything on. */
    long attach(int width) {
        long root = page();
        context(root | 1, DOMAIN << 8 | (width - 30) / 9);
        enable();
        return root;
    }

    /** Root table, queue and translation on. */
    void enable() {
        registers.write64(RTADDR, rootTable);
        registers.write32(GCMD, SRTP);
        registers.write64(IQA, queue);
        registers.write64(IQT, 0);
        registers.write32(GCMD, QIE);
        registers.write32(GCMD, QIE | TE);
        assertThat(registers.read32(GSTS)).isEqualTo(TE | SRTP | QIE);
    }

    /** Writes a leaf, and the tables on the way that are not there. */
    long map(long root, int width, long iova, long physical, long size, long flags) {
        int top = (width - 12) / 9 - 1;
        int level = size == KIB4 ? 0 : size == MIB2 ? 1 : 2;
        long at = root;
        for (int i = top; i > level; i--) {
            long entry = entry(at, iova, i);
            if (memory.loadAcquire(entry) == 0) {
                memory.storeRelease(entry, page() | RW);
            }
            at = memory.loadAcquire(entry) & -4096;
        }
        long entry = entry(at, iova, level);
        memory.storeRelease(entry, physical | flags | (level > 0 ? PS : 0));
        return entry;
    }

    static long entry(long table, long iova, int level) {
        return table + (iova >>> 12 + 9 * level & 511) * 8;
    }

    /** Puts a descriptor into the queue, at its tail. */
    void submit(long low, long high) {
        int tail = registers.read32(IQT);
        memory.storeRelease(queue + tail, low);
        memory.storeRelease(queue + tail + 8, high);
        registers.write32(IQT, (tail + 16) % QUEUE_BYTES);
    }

    /** Submits a wait, and expects it to complete. */
    void await() {
        int value = ++waits;
        submit((long) value << 32 | 1 << 5 | 5, status);
        assertThat((int) memory.loadAcquire(status)).as("status of wait").isEqualTo(value);
    }

    void invalidateContexts() {
        submit(1 << 4 | 1, 0);
        await();
    }

    void invalidateAll() {
        submit(1 << 4 | 2, 0);
        await();
    }

    void invalidateDomain(int domain) {
        submit((long) domain << 16 | 2 << 4 | 2, 0);
        await();
    }

    void invalidatePages(long iova, int mask, boolean leavesOnly) {
        submit((long) DOMAIN << 16 | 3 << 4 | 2, iova | (leavesOnly ? 1 << 6 : 0) | mask);
        await();
    }

    DmaOutcome read(long iova) {
        return device.read(iova, ByteBuffer.allocate(8));
    }

    DmaOutcome write(long iova, long value) {
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        return device.write(iova, data.flip());
    }

    /** Reads a word that must be readable. */
    long word(long iova) {
        ByteBuffer target = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(device.read(iova, target)).isEqualTo(DmaOutcome.DONE);
        return target.getLong(0);
    }

    /** The offset of a fault record. */
    int record(int index) {
        return (int) (registers.read64(CAP) >>> 24 & 0x3ff) * 16 + index * 16;
    }

    /** The reason of a fault record; 0 if it is free. */
    int reason(int index) {
        long high = registers.read64(record(index) + 8);
        return high < 0 ? (int) (high >>> 32) & 0xff : 0;
    }

    /** Frees a fault record. */
    void clear(int index) {
        registers.write32(record(index) + 12, 1 << 31);
    }

    @Override
    public void close() {
        machine.close();
    }
}
