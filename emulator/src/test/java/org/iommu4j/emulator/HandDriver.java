package org.iommu4j.emulator;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/**
 * A small driver of one unit and one set of tables, which says to the witness what it does: a copy
 * of the split with its hole, right unless it is told to be wrong in a certain way. Blocks are of 2
 * MiB, pages of 4 KiB. In legacy mode the tables are of 39 bits; in scalable mode of first stage
 * where the unit has it, for one PASID of the device, else of second stage with accessed and dirty
 * bits where the unit has them, for requests without a PASID.
 */
final class HandDriver implements AutoCloseable {

    /** What the driver does wrong. Those of SEED.md's list have its letter. */
    enum Defect {
        A_ONLY_THE_PARENT_IS_WRITTEN_BACK,
        C_A_LOST_EXCHANGE_ABORTS,
        H_SMALL_INVALIDATION,
        I_LEAF_ONLY_HINT,
        J_THE_ENTRY_IS_READ_AGAIN,
        K_CLEARED_ENTRY_NOT_WRITTEN_BACK,
        TABLES_RETURNED_BEFORE_THE_INVALIDATION,
        CONTEXT_CACHE_NOT_INVALIDATED,
        MAPPING_INVALIDATED_ELSEWHERE,
        MAPPING_NOT_WRITTEN_BACK,
        SPLIT_BREAKS_FIRST,
        SPLIT_WITH_A_WRONG_STRIDE,
        SPLIT_DROPS_WRITE_PERMISSION,
        SPLIT_DROPS_THE_MEMORY_TYPE,
        RESERVED_BIT,
        UNMAPS_MORE_THAN_IT_SAYS,
        TABLE_NOT_WRITTEN_BACK_NOR_ANNOUNCED,
        CLEANED_AND_NOT_INVALIDATED,
        CLEANED_AND_A_PART_INVALIDATED,
        CLEANED_AND_ANOTHER_DOMAIN_INVALIDATED
    }

    static final long PAGE = 0x1000;
    static final long BLOCK = 0x200000;

    private static final int PASID = 3;
    private static final long RW = 3;
    private static final long LARGE = 1 << 7;
    private static final int DOMAIN = 7;
    private static final int QUEUE_BYTES = 4096;
    private static final int BLOCK_MASK = 9;

    final EmulatedMachine machine;
    final PhysicalMemory memory;
    final Witness witness;
    final Device device;
    final long root;

    /** Runs in the middle of an operation: before an exchange, and before an invalidation. */
    Runnable meanwhile = () -> {};

    private final EmulatorOptions options;
    private final boolean firstStage;
    private final int top;
    private final int pasid;
    /* What entries have: a memory type that is not 0, and the bits that the unit may not be able to set. */
    private final long type;
    private final long leafBits;
    private final long tableBits;
    private final long illegalBit;
    private final Set<Defect> defects = EnumSet.noneOf(Defect.class);
    private final MmioRegion registers;
    private final Deque<Long> free = new ArrayDeque<>();
    private final List<Long> unlinked = new ArrayList<>();
    private final long rootTable;
    private final long contextTable;
    private final long directory;
    private final long pasidTable;
    private final long queue;
    private final long status;
    private int waits;
    private int domain = DOMAIN;

    HandDriver(EmulatorOptions options, Defect... wrong) {
        this.options = options;
        this.defects.addAll(List.of(wrong));
        this.machine = EmulatedMachine.create(options);
        this.memory = machine.memory();
        this.witness = machine.witness();
        this.registers = machine.remappingUnits().getFirst().registers();
        this.firstStage = options.firstStage();
        this.top = firstStage ? 3 : 2;
        this.pasid = firstStage ? PASID : SourceId.NO_PASID;
        Device plain = machine.devices().getFirst();
        this.device = firstStage ? plain.withPasid(PASID) : plain;
        boolean setsBits = options.pageWalkCoherent();
        this.type = firstStage ? 1 << 4 : 4 << 3;
        this.tableBits = firstStage ? 7 | (setsBits ? 0 : 1 << 5) : RW;
        this.leafBits = firstStage ? 7 | (setsBits ? 0 : 3 << 5) : RW;
        this.illegalBit = firstStage ? 1 << 13 : 1 << 11;
        PhysicalMemory tables = machine.tableMemory();
        for (long at = tables.start(); at < tables.start() + tables.size(); at += PAGE) {
            free.add(at);
        }
        this.rootTable = free.remove();
        this.contextTable = free.remove();
        this.queue = free.remove();
        this.status = free.remove();
        this.directory = free.remove();
        this.pasidTable = free.remove();
        this.root = free.remove();
        enable();
        witness.tableLinked(root, root);
    }

    private void enable() {
        store(rootTable, contextTable | 1);
        boolean scalable = options.scalable();
        if (scalable) {
            store(directory, pasidTable | 1);
            store(contextTable + device.source().requester() * 32L, directory | 1 << 3 | 1);
        }
        registers.write64(0x20, rootTable | (scalable ? 1 << 10 : 0));
        registers.write32(0x18, 1 << 30);
        registers.write64(0x90, queue | (scalable ? 1 << 11 : 0));
        registers.write64(0x88, 0);
        registers.write32(0x18, 1 << 26);
        registers.write32(0x18, 1 << 26 | 1 << 31);
    }

    private boolean is(Defect defect) {
        return defects.contains(defect);
    }

    Sanitizer sanitizer() {
        return machine.sanitizer().orElseThrow();
    }

    synchronized void attach() {
        witness.attaching(device.source(), pasid, root);
        long at = entryOfDevice();
        if (options.scalable()) {
            long snooped = options.pageWalkCoherent() ? 1 << 23 : 0;
            long bits = options.accessedDirty() ? 1 << 9 : 0;
            memory.storeRelease(at + 16, firstStage ? root : 0);
            memory.storeRelease(at + 8, snooped | DOMAIN);
            store(at, firstStage ? 1 << 6 | 1 : root | bits | 2 << 6 | 1 << 2 | 1);
        } else {
            memory.storeRelease(at + 8, DOMAIN << 8 | 1);
            store(at, root | 1);
        }
        memory.writeBack(at, 64);
        memory.fence();
        invalidateDevice();
        invalidate(0, -1, false);
        flush();
    }

    /* The entry that leads to the tables. */
    private long entryOfDevice() {
        return options.scalable()
                ? pasidTable + (firstStage ? PASID : 0) * 64L
                : contextTable + device.source().requester() % 256 * 16L;
    }

    private void invalidateDevice() {
        submit(options.scalable() ? 3 << 4 | 7 : 1 << 4 | 1, 0);
    }

    synchronized void detach() {
        store(entryOfDevice(), 0);
        if (!is(Defect.CONTEXT_CACHE_NOT_INVALIDATED)) {
            invalidateDevice();
        }
        invalidate(0, -1, false);
        witness.detached(device.source(), pasid, root);
    }

    /** Maps a block by one leaf. */
    synchronized void mapBlock(long iova, long output) {
        long leaf = output | leafBits | type | LARGE | (is(Defect.RESERVED_BIT) ? illegalBit : 0);
        long slot = slot(tableAt(iova, 1), iova, 1);
        storeMapping(slot, leaf);
        mapped(iova, BLOCK, BLOCK_MASK);
    }

    /** Maps a page. */
    synchronized void mapPage(long iova, long output) {
        storeMapping(slot(tableAt(iova, 0), iova, 0), output | leafBits | type);
        mapped(iova, PAGE, 0);
    }

    private void storeMapping(long slot, long leaf) {
        if (is(Defect.MAPPING_NOT_WRITTEN_BACK)) {
            memory.storeRelease(slot, leaf);
        } else {
            store(slot, leaf);
        }
    }

    private void mapped(long iova, long size, int mask) {
        witness.mapped(root, iova, size);
        flush();
        if (options.cachingMode()) {
            long moment = witness.moment();
            long at = is(Defect.MAPPING_INVALIDATED_ELSEWHERE) ? iova ^ 16 * BLOCK : iova;
            invalidate(at, mask, false);
            witness.invalidated(root, iova, size, false, moment);
        }
    }

    /** Unmaps a page, out of a block if it lies in one; says that it was done. */
    synchronized void unmapPage(long iova) {
        witness.unmapping(root, iova, PAGE);
        long slot = slot(tableAt(iova, 1), iova, 1);
        boolean split = isLeaf(memory.loadAcquire(slot), 1);
        if (split) {
            punch(slot, iova, false);
        } else {
            long leaf = slot(tableAt(iova, 0), iova, 0);
            if (is(Defect.K_CLEARED_ENTRY_NOT_WRITTEN_BACK)) {
                memory.storeRelease(leaf, 0);
            } else {
                store(leaf, 0);
            }
            if (is(Defect.UNMAPS_MORE_THAN_IT_SAYS)) {
                store(leaf ^ 8, 0);
            }
        }
        witness.unmapped(root, iova, PAGE);
        long moment = witness.moment();
        meanwhile.run();
        boolean small = !split || is(Defect.H_SMALL_INVALIDATION);
        invalidate(small ? iova : iova & -BLOCK, small ? 0 : BLOCK_MASK, !split);
        witness.invalidated(
                root, small ? iova : iova & -BLOCK, small ? PAGE : BLOCK, split, moment);
    }

    /** Splits a block, and unmaps nothing. */
    synchronized void split(long iova) {
        long slot = slot(tableAt(iova, 1), iova, 1);
        if (isLeaf(memory.loadAcquire(slot), 1)) {
            punch(slot, iova, true);
            long moment = witness.moment();
            invalidate(iova & -BLOCK, BLOCK_MASK, false);
            witness.invalidated(root, iova & -BLOCK, BLOCK, true, moment);
        }
    }

    /**
     * Reports whether a leaf was written, and begins anew.
     *
     * @param iova an address of it
     * @param level 0 for a page, 1 for a block
     */
    synchronized boolean report(long iova, int level) {
        long size = level == 0 ? PAGE : BLOCK;
        long report = witness.reporting(root);
        boolean dirty = clean(iova & -size, level, report);
        if (dirty && !is(Defect.CLEANED_AND_NOT_INVALIDATED)) {
            long moment = witness.moment();
            boolean part = is(Defect.CLEANED_AND_A_PART_INVALIDATED);
            domain += is(Defect.CLEANED_AND_ANOTHER_DOMAIN_INVALIDATED) ? 1 : 0;
            invalidate(iova & -size, level == 0 || part ? 0 : BLOCK_MASK, true);
            domain = DOMAIN;
            witness.invalidated(root, iova & -size, part ? PAGE : size, false, moment);
        }
        witness.reported(root, report);
        return dirty;
    }

    /** Clears the dirty bit of a leaf for a report; says whether it was set. */
    synchronized boolean clean(long iova, int level, long report) {
        long slot = slot(tableAt(iova, level), iova, level);
        long leaf = memory.loadAcquire(slot);
        if ((leaf & format().dirty) != 0) {
            witness.cleaning(root, iova, level == 0 ? PAGE : BLOCK, report);
            memory.compareAndExchange(slot, leaf, leaf & ~format().dirty);
            return true;
        }
        return false;
    }

    private void punch(long slot, long iova, boolean whole) {
        long leaf = memory.loadAcquire(slot);
        while (true) {
            long table = free.remove();
            for (int i = 0; i < 512; i++) {
                boolean hole = !whole && i == (iova >>> 12 & 511);
                memory.storePlain(table + i * 8L, hole ? 0 : child(leaf, i));
            }
            boolean silent = is(Defect.TABLE_NOT_WRITTEN_BACK_NOR_ANNOUNCED);
            if (!is(Defect.A_ONLY_THE_PARENT_IS_WRITTEN_BACK) && !silent) {
                memory.writeBack(table, PAGE);
            }
            memory.fence();
            if (!silent) {
                witness.tableLinked(root, table);
            }
            meanwhile.run();
            if (is(Defect.SPLIT_BREAKS_FIRST)) {
                store(slot, 0);
                leaf = 0;
            }
            long expected = is(Defect.J_THE_ENTRY_IS_READ_AGAIN) ? memory.loadAcquire(slot) : leaf;
            long found = memory.compareAndExchange(slot, expected, table | tableBits);
            if (found == expected) {
                memory.writeBack(slot, 8);
                memory.fence();
                return;
            }
            witness.tableUnlinked(root, table);
            free.add(table);
            if (is(Defect.C_A_LOST_EXCHANGE_ABORTS)) {
                return;
            }
            leaf = found;
        }
    }

    private long child(long leaf, int index) {
        long stride = is(Defect.SPLIT_WITH_A_WRONG_STRIDE) ? 2 : 1;
        long child = (leaf & ~LARGE) + index * stride * PAGE;
        child &= is(Defect.SPLIT_DROPS_WRITE_PERMISSION) ? ~2 : -1;
        return child & (is(Defect.SPLIT_DROPS_THE_MEMORY_TYPE) ? ~type : -1);
    }

    /** Unmaps a block, with the table of its pages if it has one. */
    synchronized void unmapBlock(long iova) {
        witness.unmapping(root, iova, BLOCK);
        long slot = slot(tableAt(iova, 1), iova, 1);
        long entry = memory.loadAcquire(slot);
        boolean table = entry != 0 && !isLeaf(entry, 1);
        store(slot, 0);
        if (table) {
            witness.tableUnlinked(root, entry & -PAGE);
            unlinked.add(entry & -PAGE);
        }
        witness.unmapped(root, iova, BLOCK);
        if (is(Defect.TABLES_RETURNED_BEFORE_THE_INVALIDATION)) {
            returnTables();
        }
        long moment = witness.moment();
        meanwhile.run();
        invalidate(iova, BLOCK_MASK, !table || is(Defect.I_LEAF_ONLY_HINT));
        witness.invalidated(root, iova, BLOCK, table, moment);
    }

    /** Gives the tables back that were unlinked: the next ones are made of them. */
    synchronized void returnTables() {
        for (long table : unlinked) {
            witness.tableReturned(root, table);
            for (int i = 0; i < 512; i++) {
                store(table + i * 8L, 0);
            }
            free.addFirst(table);
        }
        unlinked.clear();
    }

    /** The table of a level on the way to an address, built if it is not there. */
    private long tableAt(long iova, int level) {
        long table = root;
        for (int at = top; at > level; at--) {
            long slot = slot(table, iova, at);
            long entry = memory.loadAcquire(slot);
            if (entry == 0) {
                long built = free.remove();
                memory.writeBack(built, PAGE);
                memory.fence();
                witness.tableLinked(root, built);
                entry = built | tableBits;
                store(slot, entry);
            }
            table = entry & -PAGE;
        }
        return table;
    }

    synchronized long blockSlot(long iova) {
        return slot(tableAt(iova, 1), iova, 1);
    }

    private static boolean isLeaf(long entry, int level) {
        return (entry & RW) != 0 && (level == 0 || (entry & LARGE) != 0);
    }

    private static long slot(long table, long iova, int level) {
        return table + (iova >>> 12 + 9 * level & 511) * 8;
    }

    private void store(long address, long value) {
        memory.storeRelease(address, value);
        memory.writeBack(address, 8);
        memory.fence();
    }

    /** A negative mask stands for all of it. */
    private void invalidate(long iova, int mask, boolean leavesOnly) {
        long whose =
                firstStage
                        ? (long) PASID << 32 | (long) domain << 16 | 6
                        : (long) domain << 16 | 3 << 6 | 2;
        if (mask < 0) {
            submit(whose | 2 << 4, 0);
        } else {
            submit(whose | 3 << 4, iova | (leavesOnly ? 1 << 6 : 0) | mask);
        }
        submit((long) ++waits << 32 | 1 << 5 | 5, status);
        if ((int) memory.loadAcquire(status) != waits) {
            throw new AssertionError("wait " + waits + " did not complete");
        }
    }

    private void submit(long low, long high) {
        int tail = registers.read32(0x88);
        memory.storeRelease(queue + tail, low);
        memory.storeRelease(queue + tail + 8, high);
        registers.write32(0x88, (tail + (options.scalable() ? 32 : 16)) % QUEUE_BYTES);
    }

    private void flush() {
        if (options.writeBufferFlush()) {
            registers.write32(0x18, 1 << 26 | 1 << 31 | 1 << 27);
        }
    }

    DmaOutcome read(long iova) {
        return device.read(iova, ByteBuffer.allocate(8));
    }

    DmaOutcome write(long iova, long value) {
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        return device.write(iova, data.flip());
    }

    /** How the entries of its tables are read. */
    EntryFormat format() {
        return firstStage ? FirstStageEntry.FORMAT : SecondStageEntry.FORMAT;
    }

    /** Reads a word, or -1 if that faults. */
    long word(long iova) {
        ByteBuffer target = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        return device.read(iova, target).equals(DmaOutcome.DONE) ? target.getLong(0) : -1;
    }

    @Override
    public void close() {
        machine.close();
    }
}
