package org.iommu4j.conformance.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.conformance.Evidence;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/** The devices of a machine, and memory that they may use. Any thread may use it. */
final class Bus {

    private static final long ALIGNMENT = 4L << 20;

    private final Machine machine;
    private final Evidence evidence;
    private final PhysicalMemory memory;
    private final long start;
    private final long size;

    Bus(Machine machine, Evidence evidence) {
        this.machine = machine;
        this.evidence = evidence;
        this.memory = machine.memory().unobserved();
        PhysicalMemory tables = machine.tableMemory();
        long below = tables.start() - memory.start();
        long tablesEnd = tables.start() + tables.size();
        long above = memory.start() + memory.size() - tablesEnd;
        long from = below >= above ? memory.start() : tablesEnd;
        this.start = from + ALIGNMENT - 1 & -ALIGNMENT;
        this.size = Math.max(below, above) - (start - from);
    }

    int devices() {
        return machine.devices().size();
    }

    Device device(int index) {
        return machine.devices().get(index);
    }

    SourceId source(int index) {
        return device(index).source();
    }

    /** The memory's first byte, aligned to 4 MiB; the trial ends if there are not as many bytes. */
    long frames(long bytes) {
        if (size < bytes) {
            throw evidence.skip(
                    "the machine has "
                            + Hex.of(Math.max(size, 0))
                            + " bytes of memory beside its tables; "
                            + Hex.of(bytes)
                            + " are needed");
        }
        return start;
    }

    /** Stores a word by the processor. */
    void poke(long physical, long value) {
        memory.storeRelease(physical, value);
    }

    long peek(long physical) {
        return memory.loadAcquire(physical);
    }

    /** Reads a word by DMA; says how it ended. */
    DmaOutcome read(int device, long iova, long[] word) {
        ByteBuffer target = buffer();
        DmaOutcome outcome = device(device).read(iova, target);
        word[0] = target.getLong(0);
        evidence.note(
                source(device)
                        + " reads "
                        + Hex.of(iova)
                        + ": "
                        + (outcome.isDone() ? Hex.of(word[0]) : outcome));
        return outcome;
    }

    /** Writes a word by DMA; says how it ended. */
    DmaOutcome write(int device, long iova, long value) {
        DmaOutcome outcome = device(device).write(iova, buffer().putLong(0, value));
        evidence.note(
                source(device)
                        + " writes "
                        + Hex.of(value)
                        + " to "
                        + Hex.of(iova)
                        + ": "
                        + outcome);
        return outcome;
    }

    /** Asks that a device reads a word. */
    void requireRead(int device, long iova, long expected, String when) {
        long[] word = new long[1];
        DmaOutcome outcome = read(device, iova, word);
        if (!outcome.isDone() || word[0] != expected) {
            throw evidence.broken(
                    source(device)
                            + ", at "
                            + Hex.of(iova)
                            + " "
                            + when
                            + ", should read "
                            + Hex.of(expected)
                            + (outcome.isDone()
                                    ? " and reads " + Hex.of(word[0])
                                    : " and is " + outcome));
        }
    }

    /** Asks that a device is blocked, reading and writing. */
    void requireBlocked(int device, long iova, String when) {
        long[] word = new long[1];
        if (read(device, iova, word).isDone()) {
            throw evidence.broken(
                    source(device)
                            + " still reads "
                            + Hex.of(word[0])
                            + " at "
                            + Hex.of(iova)
                            + " "
                            + when);
        }
        if (write(device, iova, ~0L).isDone()) {
            throw evidence.broken(
                    source(device) + " can still write at " + Hex.of(iova) + " " + when);
        }
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }
}
