package org.iommu4j.emulator;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * A device. Its DMA goes out as requests that do not leave a page of 4 KiB, one after another, and
 * ends at the first that is blocked. It is told why, which a real device is not.
 */
final class BusMaster implements Device {

    private static final int READ = Translation.READ;
    private static final int WRITE = Translation.WRITE;

    private final SourceId source;
    private final int requester;
    private final TranslationCaches caches;
    private final Translator translator;
    private final InFlight inFlight;
    private final DataPath data;
    private final @Nullable Audit audit;
    private volatile boolean closed;

    BusMaster(SourceId source, EmulatedUnit unit, DataPath data, @Nullable Audit audit) {
        this.source = source;
        this.requester = source.requester();
        this.caches = unit.caches();
        this.translator = unit.translator();
        this.inFlight = unit.inFlight();
        this.data = data;
        this.audit = audit;
    }

    @Override
    public SourceId source() {
        return source;
    }

    @Override
    public DmaOutcome read(long iova, ByteBuffer target) {
        requireOpen();
        long at = iova;
        while (target.hasRemaining()) {
            int count = inPage(at, target.remaining());
            int slot = inFlight.begin(caches.generation(), false);
            try {
                long physical = translator.translate(requester, at, READ, slot, moment());
                if (!isMemory(physical)) {
                    return blocked(at, physical);
                }
                data.read(physical, target, count);
            } finally {
                inFlight.end(slot);
            }
            at += count;
        }
        return DmaOutcome.DONE;
    }

    @Override
    public DmaOutcome write(long iova, ByteBuffer bytes) {
        requireOpen();
        long at = iova;
        while (bytes.hasRemaining()) {
            int count = inPage(at, bytes.remaining());
            int slot = inFlight.begin(caches.generation(), true);
            try {
                long physical = translator.translate(requester, at, WRITE, slot, moment());
                if (!isMemory(physical)) {
                    return blocked(at, physical);
                }
                data.write(physical, bytes, count);
            } finally {
                inFlight.end(slot);
            }
            at += count;
        }
        return DmaOutcome.DONE;
    }

    @Override
    public DmaOutcome fetchAndAdd(long iova, long addend, ByteBuffer old) {
        requireOpen();
        if (iova % Long.BYTES != 0) {
            throw new IllegalArgumentException(
                    "an atomic operation at 0x"
                            + Long.toHexString(iova)
                            + "; a multiple of 8 is legal");
        }
        if (old.remaining() < Long.BYTES) {
            throw new BufferOverflowException();
        }
        int slot = inFlight.begin(caches.generation(), true);
        try {
            long physical = translator.translate(requester, iova, READ | WRITE, slot, moment());
            if (!isMemory(physical)) {
                return blocked(iova, physical);
            }
            old.putLong(data.fetchAndAdd(physical, addend));
        } finally {
            inFlight.end(slot);
        }
        return DmaOutcome.DONE;
    }

    /**
     * Sends a request of another kind than a usual one.
     *
     * @param iova its address
     * @param write true for a write
     * @param type its address type: 1 asks for a translation, 2 says that it is translated
     * @return how it ended
     */
    DmaOutcome send(long iova, boolean write, int type) {
        requireOpen();
        int slot = inFlight.begin(caches.generation(), write);
        try {
            return blocked(iova, translator.translateForDevice(requester, iova, write, type, slot));
        } finally {
            inFlight.end(slot);
        }
    }

    /** Ends the device: every later call throws. */
    void close() {
        closed = true;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the machine of device " + source + " is closed");
        }
    }

    private long moment() {
        return audit == null ? 0 : audit.moment();
    }

    private boolean isMemory(long physical) {
        return physical >= 0 && data.reaches(physical);
    }

    private static int inPage(long iova, int wanted) {
        return Math.min(wanted, PhysicalMemory.PAGE_SIZE - ((int) iova & 0xfff));
    }

    /* An address without memory behind it is no fault of translation: nothing is told. */
    private static DmaOutcome blocked(long iova, long physical) {
        return DmaOutcome.blocked(iova, physical < 0 ? (int) ~physical : DmaOutcome.UNKNOWN);
    }
}
