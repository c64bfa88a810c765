package com.example.riscv.unit;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;

/**
 * A device. Its DMA goes out as requests that do not leave a page of 4 KiB, one after another, and
 * ends at the first that is blocked.
 */
final class BusMaster implements Device {

    private static final int WORD = Long.BYTES;
    private static final int PAGE = PhysicalMemory.PAGE_SIZE;

    private final SourceId source;
    private final int deviceId;
    private final Translator translator;
    private final Lock request;
    private final PhysicalMemory memory;
    private volatile boolean closed;

    BusMaster(SourceId source, SoftwareUnit unit, PhysicalMemory memory) {
        this.source = source;
        this.deviceId = source.segment() << 16 | source.requester();
        this.translator = unit.translator();
        this.request = translator.caches().request();
        this.memory = memory;
    }

    /** What is done with the physical address of a part of a word. */
    private interface Transfer {
        void move(long physical, int bytes);
    }

    @Override
    public SourceId source() {
        return source;
    }

    @Override
    public DmaOutcome read(long iova, ByteBuffer target) {
        return inParts(
                iova,
                target,
                false,
                (physical, bytes) -> {
                    int shift = ((int) physical & WORD - 1) * Byte.SIZE;
                    long word = memory.loadAcquire(physical & -WORD) >>> shift;
                    for (int i = 0; i < bytes; i++) {
                        target.put((byte) (word >>> i * Byte.SIZE));
                    }
                });
    }

    @Override
    public DmaOutcome write(long iova, ByteBuffer data) {
        return inParts(
                iova,
                data,
                true,
                (physical, bytes) -> {
                    long value = 0;
                    for (int i = 0; i < bytes; i++) {
                        value |= (data.get() & 0xffL) << i * Byte.SIZE;
                    }
                    int shift = ((int) physical & WORD - 1) * Byte.SIZE;
                    long mask = bytes == WORD ? -1 : (1L << bytes * Byte.SIZE) - 1 << shift;
                    replace(physical & -WORD, mask, value << shift);
                });
    }

    @Override
    public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
        if (iova % WORD != 0) {
            throw new IllegalArgumentException(
                    "an atomic operation at 0x"
                            + Long.toHexString(iova)
                            + "; a multiple of 8 is legal");
        }
        if (old.remaining() < WORD) {
            throw new BufferOverflowException();
        }
        return send(
                iova,
                WORD,
                true,
                true,
                (physical, _) -> {
                    long seen = memory.loadAcquire(physical);
                    long found = memory.compareAndExchange(physical, seen, seen + addend);
                    while (found != seen) {
                        seen = found;
                        found = memory.compareAndExchange(physical, seen, seen + addend);
                    }
                    old.putLong(seen);
                });
    }

    void close() {
        closed = true;
    }

    private DmaOutcome inParts(long iova, ByteBuffer bytes, boolean write, Transfer transfer) {
        long at = iova;
        while (bytes.hasRemaining()) {
            int part = Math.min(bytes.remaining(), PAGE - ((int) at & PAGE - 1));
            DmaOutcome outcome = send(at, part, !write, write, transfer);
            if (!outcome.isDone()) {
                return outcome;
            }
            at += part;
        }
        return DmaOutcome.DONE;
    }

    /** One request. */
    private DmaOutcome send(long iova, int bytes, boolean read, boolean write, Transfer transfer) {
        if (closed) {
            throw new IllegalStateException("the machine of device " + source + " is closed");
        }
        request.lock();
        try {
            long physical = translator.translate(deviceId, iova, read, write);
            if (physical < 0) {
                return DmaOutcome.blocked(iova, (int) ~physical);
            }
            if (!memory.containsPage(physical & -PAGE)) {
                return DmaOutcome.blocked(iova, DmaOutcome.UNKNOWN);
            }
            int part;
            for (int moved = 0; moved < bytes; moved += part) {
                part = Math.min(bytes - moved, WORD - ((int) (physical + moved) & WORD - 1));
                transfer.move(physical + moved, part);
            }
            return DmaOutcome.DONE;
        } finally {
            request.unlock();
        }
    }

    private void replace(long place, long mask, long value) {
        if (mask == -1) {
            memory.storeRelease(place, value);
            return;
        }
        long seen = memory.loadAcquire(place);
        long found = memory.compareAndExchange(place, seen, seen & ~mask | value & mask);
        while (found != seen) {
            seen = found;
            found = memory.compareAndExchange(place, seen, seen & ~mask | value & mask);
        }
    }
}
