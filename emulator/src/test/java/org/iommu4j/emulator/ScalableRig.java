package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/**
 * A machine in scalable mode whose tables and wide queue a test writes by hand, word by word, as
 * the specification describes them. One directory of the smallest size and one table of 64 PASIDs
 * are there.
 */
final class ScalableRig implements AutoCloseable {

    static final int DOMAIN = 5;

    /* First-stage entries. */
    static final long P = 1;
    static final long RW = 1 << 1;
    static final long US = 1 << 2;
    static final long A = 1 << 5;
    static final long D = 1 << 6;
    static final long XD = 1L << 63;
    static final long USER_RW = P | RW | US;

    /* Second-stage entries. */
    static final long SECOND_A = 1 << 8;
    static final long SECOND_D = 1 << 9;

    static final long IOVA = 0x8040_3000L;

    private static final int QUEUE_BYTES = 4096;
    private static final int DESCRIPTOR_BYTES = 32;
    private static final int ENTRY_BYTES = 64;
    private static final long WIDE = 1 << 11;
    private static final long SCALABLE = 1 << 10;

    final Rig rig;
    final PhysicalMemory memory;
    final Device device;
    final long directory;
    final long pasidTable;
    final long contextEntry;
    private final boolean snooped;
    private int waits;

    ScalableRig(EmulatorOptions options) {
        rig = new Rig(options.scalable(true));
        memory = rig.memory;
        device = rig.device;
        directory = rig.page();
        pasidTable = rig.page();
        contextEntry = rig.contextTable + device.source().requester() % 128 * 32L;
        snooped = (rig.registers.read64(Rig.ECAP) >>> 48 & 1) != 0;
        memory.storeRelease(directory, pasidTable | 1);
        context(directory | 1 << 3 | 1, 0);
    }

    static EmulatorOptions options() {
        return Rig.options().scalable(true);
    }

    /** Writes the context entry of the first device. */
    void context(long first, long second) {
        memory.storeRelease(contextEntry + 8, second);
        memory.storeRelease(contextEntry, first);
    }

    /** The physical address of an entry of the PASID table. */
    long pasidEntry(int pasid) {
        return pasidTable + (long) pasid * ENTRY_BYTES;
    }

    void pasid(int pasid, long first, long second, long third) {
        memory.storeRelease(pasidEntry(pasid) + 16, third);
        memory.storeRelease(pasidEntry(pasid) + 8, second);
        memory.storeRelease(pasidEntry(pasid), first);
    }

    /** Gives a PASID new first-stage tables. */
    long firstStage(int pasid, int domain, int levels) {
        long root = rig.page();
        pasid(pasid, 1 << 6 | 1, second(domain), root | (levels - 4L) << 2);
        return root;
    }

    /** Gives a PASID new second-stage tables, with accessed and dirty bits or without. */
    long secondStage(int pasid, int domain, int width, boolean bits) {
        long root = rig.page();
        long first = root | (bits ? 1 << 9 : 0) | 2 << 6 | (width - 30) / 9 << 2 | 1;
        pasid(pasid, first, second(domain), 0);
        return root;
    }

    void passThrough(int pasid, int domain) {
        pasid(pasid, 4 << 6 | 1, second(domain), 0);
    }

    /** The second word of an entry, which says that walks snoop where they can. */
    long second(int domain) {
        return (snooped ? 1 << 23 : 0) | domain;
    }

    /** Root table, wide queue and translation on. */
    void enable() {
        enable(SCALABLE, WIDE);
    }

    /** The same with other modes of the root table and the queue. */
    void enable(long mode, long width) {
        rig.registers.write64(Rig.RTADDR, rig.rootTable | mode);
        int on = rig.registers.read32(Rig.GSTS) & (Rig.TE | Rig.QIE);
        rig.registers.write32(Rig.GCMD, on | Rig.SRTP);
        rig.registers.write64(Rig.IQA, rig.queue | width);
        rig.registers.write64(Rig.IQT, 0);
        rig.registers.write32(Rig.GCMD, Rig.QIE);
        rig.registers.write32(Rig.GCMD, Rig.QIE | Rig.TE);
    }

    /** Writes a leaf of first stage, and the tables on the way that are not there. */
    long mapFirst(long root, int levels, long iova, long physical, long size, long flags) {
        return map(root, levels, iova, physical, size, flags, USER_RW);
    }

    /** Writes a leaf of second stage, and the tables on the way that are not there. */
    long mapSecond(long root, int levels, long iova, long physical, long size, long flags) {
        return map(root, levels, iova, physical, size, flags, Rig.RW);
    }

    private long map(
            long root,
            int levels,
            long iova,
            long physical,
            long size,
            long flags,
            long tableFlags) {
        int level = size == Rig.KIB4 ? 0 : size == Rig.MIB2 ? 1 : 2;
        long at = root;
        for (int i = levels - 1; i > level; i--) {
            long entry = Rig.entry(at, iova, i);
            if (memory.loadAcquire(entry) == 0) {
                memory.storeRelease(entry, rig.page() | tableFlags);
            }
            at = EntryFormat.table(memory.loadAcquire(entry));
        }
        long entry = Rig.entry(at, iova, level);
        memory.storeRelease(entry, physical | flags | (level > 0 ? Rig.PS : 0));
        return entry;
    }

    /** The physical address of the entry of a level on the way to an address. */
    long entryOf(long root, int levels, long iova, int level) {
        long at = root;
        for (int i = levels - 1; i > level; i--) {
            at = EntryFormat.table(memory.loadAcquire(Rig.entry(at, iova, i)));
        }
        return Rig.entry(at, iova, level);
    }

    /** Puts a descriptor into the queue, at its tail. */
    void submit(long... words) {
        int tail = rig.registers.read32(Rig.IQT);
        for (int i = 0; i < 4; i++) {
            memory.storeRelease(rig.queue + tail + i * 8L, i < words.length ? words[i] : 0);
        }
        rig.registers.write32(Rig.IQT, (tail + DESCRIPTOR_BYTES) % QUEUE_BYTES);
    }

    /** Submits a descriptor and a wait, and expects that to complete. */
    void complete(long... words) {
        submit(words);
        int value = ++waits;
        submit((long) value << 32 | 1 << 5 | 5, rig.status);
        assertThat((int) memory.loadAcquire(rig.status)).as("status of wait").isEqualTo(value);
    }

    void invalidateContexts() {
        complete(1 << 4 | 1);
    }

    void invalidateDevice(int domain) {
        complete((long) device.source().requester() << 32 | (long) domain << 16 | 3 << 4 | 1);
    }

    void invalidatePasids() {
        complete(3 << 4 | 7);
    }

    void invalidatePasids(int domain) {
        complete((long) domain << 16 | 7);
    }

    void invalidatePasid(int domain, int pasid) {
        complete((long) pasid << 32 | (long) domain << 16 | 1 << 4 | 7);
    }

    void invalidateIotlb() {
        complete(1 << 4 | 2);
    }

    void invalidateDomain(int domain) {
        complete((long) domain << 16 | 2 << 4 | 2);
    }

    void invalidatePages(int domain, long iova, int mask, boolean leavesOnly) {
        complete((long) domain << 16 | 3 << 4 | 2, iova | (leavesOnly ? 1 << 6 : 0) | mask);
    }

    void invalidatePasidIotlb(int domain, int pasid) {
        complete((long) pasid << 32 | (long) domain << 16 | 2 << 4 | 6);
    }

    void invalidatePasidPages(int domain, int pasid, long iova, int mask, boolean leavesOnly) {
        complete(
                (long) pasid << 32 | (long) domain << 16 | 3 << 4 | 6,
                iova | (leavesOnly ? 1 << 6 : 0) | mask);
    }

    /** Makes the unit forget everything. */
    void invalidateAll() {
        invalidateContexts();
        invalidatePasids();
        invalidateIotlb();
    }

    private Device as(int pasid) {
        return pasid == SourceId.NO_PASID ? device : device.withPasid(pasid);
    }

    /** Reads in the name of a PASID; {@link SourceId#NO_PASID} for none. */
    DmaOutcome read(int pasid, long iova) {
        return as(pasid).read(iova, ByteBuffer.allocate(8));
    }

    DmaOutcome write(int pasid, long iova, long value) {
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        return as(pasid).write(iova, data.flip());
    }

    /** Reads a word that must be readable. */
    long word(int pasid, long iova) {
        ByteBuffer target = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(as(pasid).read(iova, target)).isEqualTo(DmaOutcome.DONE);
        return target.getLong(0);
    }

    /** A device is told why it is blocked, and a record is written: that of the oldest fault. */
    void expect(int reason, DmaOutcome outcome) {
        assertThat(outcome.code()).as("told: 0x%x", outcome.code()).isEqualTo(reason);
        int index = rig.registers.read32(Rig.FSTS) >>> 8 & 0xff;
        assertThat(rig.reason(index)).as("recorded").isEqualTo(reason);
        rig.clear(index);
    }

    /** A rig with a page that may be read and written, by first stage, at {@link #IOVA}. */
    static ScalableRig prepared(int pasid, EmulatorOptions options) {
        ScalableRig rig = new ScalableRig(options);
        rig.enable();
        long root = rig.firstStage(pasid, DOMAIN, 4);
        rig.mapFirst(root, 4, IOVA, 0x5000, Rig.KIB4, USER_RW);
        rig.word(pasid, IOVA);
        return rig;
    }

    /** The root of the first-stage tables that a PASID entry names. */
    long firstStageRoot(int pasid) {
        return memory.loadAcquire(pasidEntry(pasid) + 16) & -4096;
    }

    /** Reads a word that must be readable, or blocked for a reason. */
    void expectOrWord(int pasid, long iova, int reason) {
        if (reason == 0) {
            word(pasid, iova);
        } else {
            expect(reason, read(pasid, iova));
        }
    }

    @Override
    public void close() {
        rig.close();
    }
}
