package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;

/**
 * Writes down what the engine says, and between that what it does to memory, in the order of one
 * thread. Said under a guard: that of the table stored to last.
 */
final class RecordingWitness implements Witness, MemoryObserver {

    private final List<String> events = new ArrayList<>();
    private PhysicalMemory memory = PhysicalMemory.allocate(PhysicalMemory.PAGE_SIZE);
    private long stored;
    private long clock;
    private long reports;
    private boolean listening;

    /** Writes down from now on what happens in a memory. */
    void listen(PhysicalMemory unobserved) {
        memory = unobserved;
        listening = true;
        events.clear();
    }

    List<String> events() {
        return List.copyOf(events);
    }

    /** The moment it is. */
    long now() {
        return clock;
    }

    private void note(String event) {
        clock++;
        if (listening) {
            events.add(event);
        }
    }

    private static String range(String what, long iova, long size) {
        return what + " 0x" + Long.toHexString(iova) + "+0x" + Long.toHexString(size);
    }

    private void noteGuarded(String what, long iova, long size) {
        long page = stored & -PhysicalMemory.PAGE_SIZE;
        boolean locked = listening && (memory.ledger().loadAcquire(page) & 1) != 0;
        note(range(what, iova, size) + (locked ? " guarded" : " unguarded"));
    }

    @Override
    public void beforeStore(long address, long value) {
        stored = address;
        note("store 0x" + Long.toHexString(value));
    }

    @Override
    public void beforeExchange(long address, long expected, long value) {
        stored = address;
        note("exchange");
    }

    @Override
    public void beforeWriteBack(long address, long bytes) {
        note("write back 0x" + Long.toHexString(bytes));
    }

    @Override
    public void beforeFence() {
        note("fence");
    }

    @Override
    public void tableLinked(long root, long page) {
        note(
                !listening || memory.ledger().loadAcquire(page) == 0
                        ? "linked, not alive"
                        : "linked, alive");
    }

    @Override
    public void tableUnlinked(long root, long page) {
        note("unlinked");
    }

    @Override
    public void tableReturned(long root, long page) {
        note("returned");
    }

    @Override
    public void mapped(long root, long iova, long size) {
        noteGuarded("mapped", iova, size);
    }

    @Override
    public void unmapping(long root, long iova, long size) {
        note(range("unmapping", iova, size));
    }

    @Override
    public void unmapped(long root, long iova, long size) {
        noteGuarded("unmapped", iova, size);
    }

    @Override
    public void invalidated(long root, long iova, long size, boolean structure, long moment) {
        note(
                range(structure ? "invalidated structure" : "invalidated", iova, size)
                        + " as of "
                        + moment);
    }

    @Override
    public long reporting(long root) {
        note("report " + ++reports);
        return reports;
    }

    @Override
    public void cleaning(long root, long iova, long size, long report) {
        note(range("cleaning for " + report, iova, size));
    }

    @Override
    public void cleaned(long root, long iova, long size, long report) {
        note(range("cleaned for " + report, iova, size));
    }

    @Override
    public void reported(long root, long report) {
        note("final report " + report);
    }

    @Override
    public long moment() {
        return ++clock;
    }
}
