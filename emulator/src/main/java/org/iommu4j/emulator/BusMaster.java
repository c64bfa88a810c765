package org.iommu4j.emulator;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
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
    private final int pasid;
    private final TranslationCaches caches;
    private final Translator translator;
    private final InFlight inFlight;
    private final DataPath data;
    private final @Nullable Audit audit;
    private final int mostPasids;
    private final AtomicBoolean closed;

    /**
     * Makes a device.
     *
     * @param source its source id
     * @param unit the unit that its requests go through
     * @param data the way to memory
     * @param audit who hears of what it does
     */
    BusMaster(SourceId source, EmulatedUnit unit, DataPath data, @Nullable Audit audit) {
        this.source = source;
        this.requester = source.requester();
        this.pasid = SourceId.NO_PASID;
        this.caches = unit.caches();
        this.translator = unit.translator();
        this.inFlight = unit.inFlight();
        this.data = data;
        this.audit = audit;
        this.mostPasids = unit.mostPasids();
        this.closed = new AtomicBoolean();
    }

    /* The same device, in the name of a process address space. */
    private BusMaster(BusMaster device, int pasid) {
        this.source = device.source;
        this.requester = device.requester;
        this.pasid = pasid;
        this.caches = device.caches;
        this.translator = device.translator;
        this.inFlight = device.inFlight;
        this.data = device.data;
        this.audit = device.audit;
        this.mostPasids = device.mostPasids;
        this.closed = device.closed;
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
                long physical = translator.translate(requester, pasid, at, READ, slot, moment());
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
                long physical = translator.translate(requester, pasid, at, WRITE, slot, moment());
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
            long physical =
                    translator.translate(requester, pasid, iova, READ | WRITE, slot, moment());
            if (!isMemory(physical)) {
                return blocked(iova, physical);
            }
            old.putLong(data.fetchAndAdd(physical, addend));
        } finally {
            inFlight.end(slot);
        }
        return DmaOutcome.DONE;
    }

    @Override
    public Device withPasid(int id) {
        if (mostPasids == 0) {
            return Device.super.withPasid(id);
        }
        if (id < 0 || id >= mostPasids) {
            throw new IllegalArgumentException(
                    "process address space id 0x"
                            + Integer.toHexString(id)
                            + "; 0 to 0x"
                            + Integer.toHexString(mostPasids - 1)
                            + " are legal");
        }
        return new BusMaster(this, id);
    }

    /**
     * Asks the unit for a translation (PCI Express, Translation Request).
     *
     * @param iova the address
     * @param wanted what shall be permitted: the bits of {@link Translation}
     * @return what the unit answers
     */
    Translation ask(long iova, int wanted) {
        requireOpen();
        int slot = inFlight.begin(caches.generation(), false);
        try {
            return translator.translateForDevice(requester, pasid, iova, wanted, slot, moment());
        } finally {
            inFlight.end(slot);
        }
    }

    /**
     * Sends a request whose address is a physical one, as the device says.
     *
     * @param physical the address
     * @param write true for a write
     * @return how it ended; no byte is transferred
     */
    DmaOutcome sendTranslated(long physical, boolean write) {
        requireOpen();
        int slot = inFlight.begin(caches.generation(), write);
        try {
            int wanted = write ? WRITE : READ;
            long allowed = translator.translated(requester, pasid, physical, wanted, slot);
            return isMemory(allowed) ? DmaOutcome.DONE : blocked(physical, allowed);
        } finally {
            inFlight.end(slot);
        }
    }

    /** Ends the device: every later call throws. */
    void close() {
        closed.set(true);
    }

    private void requireOpen() {
        if (closed.get()) {
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
