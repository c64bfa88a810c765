package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.MmioRegion;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/**
 * A small driver of one unit in scalable mode, with one set of second-stage tables of 39 bits for
 * all devices and address spaces, which maps what devices ask for: the page at the same physical
 * address. It says to the witness what it does, and is right unless it is told to be wrong in a
 * certain way.
 */
final class PagingDriver implements AutoCloseable {

    /** What the driver does wrong. */
    enum Defect {
        ANSWERS_TWICE,
        ANSWERS_ANOTHER_GROUP,
        ANSWERS_STOP_MARKERS,
        ANSWERS_NOBODY,
        DEVICE_TLB_NOT_INVALIDATED,
        DEVICE_TLB_OF_ANOTHER_SPACE,
        DEVICE_TLB_BEFORE_THE_IOTLB,
        DETACH_ONLY_CLEARS_THE_ENTRY,
        NO_DEVICE_TLB,
        NO_PAGE_REQUESTS
    }

    static final int PQH = 0xc0;
    static final int PQT = 0xc8;
    static final int PQA = 0xd0;
    static final int PRS = 0xdc;
    static final int PECTL = 0xe0;

    static final int SUCCESS = 0;
    static final int INVALID = 1;
    static final int FAILURE = 15;

    /** In place of a response code: the group is answered later, or not. */
    static final int LATER = -1;

    static final long PAGE = 0x1000;
    static final int SPACES = 3;

    private static final int DOMAIN = 9;
    private static final int QUEUE_BYTES = 4096;
    private static final int RING_BYTES = 4096;

    /** The requests that have one answer. */
    record Group(int requester, int pasid, int index, List<Long> pages, int access) {}

    private record Key(int requester, int pasid, int index) {}

    final EmulatedMachine machine;
    final PhysicalMemory memory;
    final Witness witness;
    final MmioRegion registers;
    final long root;

    /** Decides what a group is answered with; its pages are mapped if that is success. */
    ToIntFunction<Group> policy = _ -> SUCCESS;

    /** Runs between the two invalidations of an unmap. */
    Runnable meanwhile = () -> {};

    private final Set<Defect> defects = EnumSet.noneOf(Defect.class);
    private final Deque<Long> free = new ArrayDeque<>();
    private final Set<Device> attached = new LinkedHashSet<>();
    private final Map<Key, List<Long>> begun = new HashMap<>();
    private final long rootTable;
    private final long contextTable;
    private final long directory;
    private final long queue;
    private final long ring;
    final long status;
    private int waits;
    volatile long overflows;
    volatile long answered;

    PagingDriver(EmulatorOptions options, Defect... wrong) {
        this.defects.addAll(List.of(wrong));
        this.machine = EmulatedMachine.create(options.scalable(true).pageRequests(true));
        this.memory = machine.memory();
        this.witness = machine.witness();
        this.registers = machine.remappingUnits().getFirst().registers();
        PhysicalMemory tables = machine.tableMemory();
        for (long at = tables.start(); at < tables.start() + (1 << 20); at += PAGE) {
            free.add(at);
        }
        this.rootTable = free.remove();
        this.contextTable = free.remove();
        this.directory = free.remove();
        this.queue = free.remove();
        this.ring = free.remove();
        this.status = free.remove();
        this.root = free.remove();
        long pasids = free.remove();
        store(rootTable, contextTable | 1);
        store(directory, pasids | 1);
        for (int pasid = 0; pasid <= SPACES; pasid++) {
            store(pasids + pasid * 64L + 8, DOMAIN);
            store(pasids + pasid * 64L, root | 2 << 6 | 1 << 2 | 1);
        }
        witness.tableLinked(root, root);
        enable();
    }

    /** A machine of 16 MiB with four devices, so that tests are quick. */
    static EmulatorOptions options() {
        return EmulatorOptions.legacy()
                .memory(16 << 20)
                .tableMemory(4 << 20)
                .devices(4)
                .caches(CacheBehaviour.KEEPS_EVERYTHING);
    }

    private void enable() {
        registers.write64(0x20, rootTable | 1 << 10);
        registers.write32(0x18, 1 << 30);
        registers.write64(0x90, queue | 1 << 11);
        registers.write64(0x88, 0);
        registers.write32(0x18, 1 << 26);
        registers.write64(PQH, 0);
        registers.write64(PQT, 0);
        registers.write64(PQA, ring);
        registers.write32(0x18, 1 << 26 | 1 << 31);
    }

    /** Has the unit keep accessed and dirty bits; called before anything is attached. */
    void keepDirtyBits() {
        long pasids = memory.loadAcquire(directory) & -PAGE;
        for (int pasid = 0; pasid <= SPACES; pasid++) {
            long entry = pasids + pasid * 64L;
            store(entry + 8, memory.loadAcquire(entry + 8) | 1 << 23);
            store(entry, memory.loadAcquire(entry) | 1 << 9);
        }
    }

    private boolean is(Defect defect) {
        return defects.contains(defect);
    }

    Device device(int index) {
        return machine.devices().get(index);
    }

    Sanitizer sanitizer() {
        return machine.sanitizer().orElseThrow();
    }

    /** Attaches a device with its address spaces, and turns its service on. */
    void attach(int index, int mostRequests) {
        Device device = device(index);
        synchronized (this) {
            witness.attaching(device.source(), SourceId.NO_PASID, root);
            for (int pasid = 1; pasid <= SPACES; pasid++) {
                witness.attaching(device.source(), pasid, root);
            }
            int service = is(Defect.NO_PAGE_REQUESTS) ? 1 << 2 : 1 << 4 | 1 << 2;
            service = is(Defect.NO_DEVICE_TLB) ? 0 : service;
            store(entry(device), directory | service | 1 << 3 | 1);
            submit(1 << 4 | 1, 0);
            submit((long) DOMAIN << 16 | 3 << 6 | 2 << 4 | 2, 0);
            await(false);
            attached.add(device);
        }
        device.translationService().orElseThrow().enable(mostRequests);
    }

    /** Ends a device's service, answers what it asked for, and takes its entry down. */
    void detach(int index) {
        Device device = device(index);
        boolean right = !is(Defect.DETACH_ONLY_CLEARS_THE_ENTRY);
        if (right) {
            device.translationService().orElseThrow().disable();
            drain();
        }
        synchronized (this) {
            store(entry(device), 0);
            if (right) {
                submit(1 << 4 | 1, 0);
                submit((long) DOMAIN << 16 | 3 << 6 | 2 << 4 | 2, 0);
                await(false);
            }
            attached.remove(device);
            witness.detached(device.source(), SourceId.NO_PASID, root);
            for (int pasid = 1; pasid <= SPACES; pasid++) {
                witness.detached(device.source(), pasid, root);
            }
        }
    }

    /** Answers all that has been asked for. */
    void drain() {
        long before;
        do {
            before = overflows;
            synchronized (this) {
                await(true);
            }
            serve();
        } while (overflows != before);
    }

    private long entry(Device device) {
        return contextTable + device.source().requester() % 256 * 32L;
    }

    /** Maps a page, if it is not mapped. */
    synchronized void mapPage(long iova, long flags) {
        long slot = slot(iova);
        if (memory.loadAcquire(slot) == 0) {
            store(slot, iova | flags);
            witness.mapped(root, iova, PAGE);
        }
    }

    /** Maps a page to the same physical address, for reading and writing. */
    void mapPage(long iova) {
        mapPage(iova, 3);
    }

    /** Gives a mapped page other permissions. */
    synchronized void permit(long iova, long flags) {
        store(slot(iova), iova | flags);
    }

    /** Gives the 512 pages of 2 MiB other permissions. */
    void permitAll(long iova, long flags) {
        for (int i = 0; i < 512; i++) {
            permit(iova + i * PAGE, flags);
        }
    }

    /** Maps 2 MiB by one leaf. */
    synchronized void mapBlock(long iova) {
        store(middle(iova) + (iova >>> 21 & 511) * 8, iova | 1 << 7 | 3);
        witness.mapped(root, iova, 1 << 21);
    }

    /** Clears the leaf of 2 MiB, and says nothing. */
    synchronized void clearBlock(long iova) {
        store(middle(iova) + (iova >>> 21 & 511) * 8, 0);
    }

    /** Unmaps a page; when this returns, no device uses it. */
    synchronized void unmapPage(long iova) {
        if (memory.loadAcquire(slot(iova)) == 0) {
            return;
        }
        witness.unmapping(root, iova, PAGE);
        store(slot(iova), 0);
        witness.unmapped(root, iova, PAGE);
        long moment = witness.moment();
        if (is(Defect.DEVICE_TLB_BEFORE_THE_IOTLB)) {
            invalidateDevices(iova);
        }
        meanwhile.run();
        submit((long) DOMAIN << 16 | 3 << 6 | 3 << 4 | 2, iova | 1 << 6);
        await(false);
        if (!is(Defect.DEVICE_TLB_BEFORE_THE_IOTLB)) {
            invalidateDevices(iova);
        }
        witness.invalidated(root, iova, PAGE, false, moment);
    }

    /** Reports whether a page was written, and begins anew. */
    synchronized boolean report(long iova) {
        long leaf = memory.loadAcquire(slot(iova));
        if ((leaf & SecondStageEntry.FORMAT.dirty) == 0) {
            return false;
        }
        long report = witness.reporting(root);
        witness.cleaning(root, iova, PAGE, report);
        memory.compareAndExchange(slot(iova), leaf, leaf & ~SecondStageEntry.FORMAT.dirty);
        long moment = witness.moment();
        submit((long) DOMAIN << 16 | 3 << 6 | 3 << 4 | 2, iova | 1 << 6);
        await(false);
        invalidateDevices(iova);
        witness.invalidated(root, iova, PAGE, false, moment);
        witness.reported(root, report);
        return true;
    }

    private void invalidateDevices(long iova) {
        for (Device device : is(Defect.DEVICE_TLB_NOT_INVALIDATED) ? Set.<Device>of() : attached) {
            int requester = device.source().requester();
            invalidateDevice(requester, SourceId.NO_PASID, iova, false);
            for (int pasid = 1; pasid <= SPACES; pasid++) {
                boolean skipped = is(Defect.DEVICE_TLB_OF_ANOTHER_SPACE) && pasid == 2;
                invalidateDevice(requester, skipped ? 1 : pasid, iova, false);
            }
        }
        await(false);
    }

    /** Submits an invalidation of a device TLB; a size other than 4 KiB is in the address. */
    synchronized void invalidateDevice(int requester, int pasid, long address, boolean sized) {
        if (pasid == SourceId.NO_PASID) {
            submit((long) requester << 32 | 3, address | (sized ? 1 : 0));
        } else {
            long low = (long) pasid << 32 | (long) requester << 16 | 8;
            submit(low, address | (sized ? 1 << 11 : 0));
        }
    }

    /** Takes what is in the ring and answers it; returns how many records there were. */
    synchronized int serve() {
        int records = 0;
        registers.write32(PRS, 1);
        int head = registers.read32(PQH);
        while (head != registers.read32(PQT)) {
            long low = memory.loadAcquire(ring + head);
            long high = memory.loadAcquire(ring + head + 8);
            head = (head + 32) % RING_BYTES;
            registers.write32(PQH, head);
            records++;
            take(low, high);
        }
        if ((registers.read32(PRS) & 2) != 0) {
            registers.write32(PRS, 2);
            overflows++;
        }
        return records;
    }

    private void take(long low, long high) {
        assertThat(low & 0xff).as("type of record").isEqualTo(1);
        int pasid = (low & 1 << 8) == 0 ? SourceId.NO_PASID : (int) (low >>> 32) & 0xfffff;
        Key key = new Key((int) (low >>> 16) & 0xffff, pasid, (int) (high >>> 3) & 0x1ff);
        int access = (int) high & 3;
        boolean last = (high & 4) != 0;
        if (access == 0) {
            assertThat(last).isTrue();
            if (is(Defect.ANSWERS_STOP_MARKERS)) {
                answer(key.requester, key.pasid, key.index, SUCCESS);
            }
            return;
        }
        List<Long> pages = begun.computeIfAbsent(key, _ -> new ArrayList<>());
        pages.add(high & -PAGE);
        if (last) {
            begun.remove(key);
            decide(new Group(key.requester, key.pasid, key.index, pages, access));
        }
    }

    private void decide(Group group) {
        int code = policy.applyAsInt(group);
        if (code == LATER || is(Defect.ANSWERS_NOBODY)) {
            return;
        }
        if (code == SUCCESS) {
            group.pages.forEach(this::mapPage);
        }
        answer(group, code);
        if (is(Defect.ANSWERS_TWICE)) {
            answer(group, code);
        }
    }

    void answer(Group group, int code) {
        int other = is(Defect.ANSWERS_ANOTHER_GROUP) ? group.index ^ 0x100 : group.index;
        if (other != group.index) {
            answer(group.requester, group.pasid, other, code);
        }
        answer(group.requester, group.pasid, group.index, code);
    }

    synchronized void answer(int requester, int pasid, int index, int code) {
        boolean present = pasid != SourceId.NO_PASID;
        long space = present ? (long) pasid << 32 | 1 << 4 : 0;
        submit(space | (long) requester << 16 | (long) code << 12 | 9 & 0xf, (long) index << 3);
        answered++;
    }

    /** Submits a wait, and expects it to complete; perhaps with PD. */
    synchronized void await(boolean pageRequests) {
        submit((long) ++waits << 32 | (pageRequests ? 1 << 7 : 0) | 1 << 5 | 5, status);
        if (!isComplete()) {
            throw new AssertionError("wait " + waits + " did not complete");
        }
    }

    boolean isComplete() {
        return (int) memory.loadAcquire(status) == waits;
    }

    synchronized void submit(long low, long high) {
        int tail = registers.read32(0x88);
        memory.storeRelease(queue + tail, low);
        memory.storeRelease(queue + tail + 8, high);
        memory.storeRelease(queue + tail + 16, 0);
        memory.storeRelease(queue + tail + 24, 0);
        registers.write32(0x88, (tail + 32) % QUEUE_BYTES);
    }

    private long slot(long iova) {
        long above = middle(iova) + (iova >>> 21 & 511) * 8;
        return below(above) + (iova >>> 12 & 511) * 8;
    }

    private long middle(long iova) {
        return below(root + (iova >>> 30 & 511) * 8);
    }

    private long below(long slot) {
        long entry = memory.loadAcquire(slot);
        if (entry == 0) {
            long built = free.remove();
            witness.tableLinked(root, built);
            entry = built | 3;
            store(slot, entry);
        }
        return entry & -PAGE;
    }

    private void store(long address, long value) {
        memory.storeRelease(address, value);
        memory.writeBack(address, 8);
        memory.fence();
    }

    static DmaOutcome read(Device device, long iova) {
        return device.read(iova, ByteBuffer.allocate(8));
    }

    static DmaOutcome write(Device device, long iova, long value) {
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        return device.write(iova, data.flip());
    }

    @Override
    public void close() {
        machine.close();
    }
}
