package org.iommu4j.emulator;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.TranslationService;
import org.jspecify.annotations.Nullable;

/**
 * A device. Its DMA goes out as requests that do not leave a page of 4 KiB, one after another, and
 * ends at the first that is blocked. It is told why, which a real device is not.
 */
final class BusMaster implements Device {

    private static final int READ = Translation.READ;
    private static final int WRITE = Translation.WRITE;

    /* How a request ended, where it was not blocked. */
    private static final long DONE = 0;
    private static final long MISSED = 1;
    private static final long DONE_AFTER_WAITING = 2;

    /* Beside the reason code of a request that was blocked, if the device had waited for a page. */
    private static final long WAITED = 1 << 16;

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
    private final @Nullable AddressTranslation service;

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
        this.service = unit.service(requester);
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
        this.service = device.service;
    }

    @Override
    public SourceId source() {
        return source;
    }

    @Override
    public DmaOutcome read(long iova, ByteBuffer target) {
        return transfer(iova, target, READ);
    }

    @Override
    public DmaOutcome write(long iova, ByteBuffer bytes) {
        return transfer(iova, bytes, WRITE);
    }

    private DmaOutcome transfer(long iova, ByteBuffer bytes, int wanted) {
        requireOpen();
        long at = iova;
        boolean waited = false;
        while (bytes.hasRemaining()) {
            int count = inPage(at, bytes.remaining());
            long end = request(at, wanted, bytes, count, 0);
            if (end < 0) {
                return waited ? blocked(at, end).afterWaiting() : blocked(at, end);
            }
            waited |= end == DONE_AFTER_WAITING;
            at += count;
        }
        return done(waited);
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
        long end = request(iova, READ | WRITE, old, Long.BYTES, addend);
        return end < 0 ? blocked(iova, end) : done(end == DONE_AFTER_WAITING);
    }

    /* One request: DONE, DONE_AFTER_WAITING, or the complement of a reason code, perhaps with WAITED. */
    private long request(long iova, int wanted, ByteBuffer bytes, int count, long addend) {
        boolean waited = false;
        while (service != null && service.isOn()) {
            long end = translated(service, iova, wanted, bytes, count, addend);
            if (end != MISSED) {
                return waited ? afterWaiting(end) : end;
            }
            end = service.resolve(pasid, iova, wanted, behind(iova, wanted, bytes));
            if (end == AddressTranslation.UNTRANSLATED) {
                break;
            }
            waited |= end == AddressTranslation.WAITED || end == Translator.NOWHERE;
            if (end < 0 || closed.get()) {
                long blocked = Math.min(end, Translator.NOWHERE);
                return waited ? afterWaiting(blocked) : blocked;
            }
        }
        long end = untranslated(iova, wanted, bytes, count, addend);
        return waited ? afterWaiting(end) : end;
    }

    private static long afterWaiting(long end) {
        return end < 0 ? ~(~end | WAITED) : DONE_AFTER_WAITING;
    }

    private long untranslated(long iova, int wanted, ByteBuffer bytes, int count, long addend) {
        int slot = inFlight.begin(caches.generation(), (wanted & WRITE) != 0);
        try {
            long physical = translator.translate(requester, pasid, iova, wanted, slot, moment());
            return move(physical, wanted, bytes, count, addend);
        } finally {
            inFlight.end(slot);
        }
    }

    /* The same, or MISSED if the device does not know where its bytes go. */
    private long translated(
            AddressTranslation from,
            long iova,
            int wanted,
            ByteBuffer bytes,
            int count,
            long addend) {
        int slot = from.begin((wanted & WRITE) != 0);
        try {
            long begun = moment();
            Translation found = from.find(pasid, iova, wanted);
            if (found == null) {
                return MISSED;
            }
            long physical = passed(found.physical(iova), wanted);
            if (physical >= 0 && audit != null && found.root() != 0) {
                boolean write = (wanted & WRITE) != 0;
                audit.usedByDevice(
                        requester, pasid, found.root(), iova, write, found.asOf(), begun);
            }
            from.dawdle();
            return move(physical, wanted, bytes, count, addend);
        } finally {
            from.end(slot);
        }
    }

    /* What the unit says of an address that the device has translated. */
    private long passed(long physical, int wanted) {
        int slot = inFlight.begin(caches.generation(), (wanted & WRITE) != 0);
        try {
            return translator.translated(requester, pasid, physical, wanted, slot);
        } finally {
            inFlight.end(slot);
        }
    }

    private long move(long physical, int wanted, ByteBuffer bytes, int count, long addend) {
        if (!isMemory(physical)) {
            return Math.min(physical, Translator.NOWHERE);
        }
        switch (wanted) {
            case READ -> data.read(physical, bytes, count);
            case WRITE -> data.write(physical, bytes, count);
            default -> bytes.putLong(data.fetchAndAdd(physical, addend));
        }
        return DONE;
    }

    /* How many pages behind an address the rest of a DMA reaches. */
    private static int behind(long iova, int wanted, ByteBuffer bytes) {
        return wanted == (READ | WRITE) ? 0 : ((int) iova & 0xfff) + bytes.remaining() - 1 >>> 12;
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
     * Sends a request of any kind for one word, which is not transferred.
     *
     * @param iova its address
     * @param wanted what it wants: the bits of {@link Translation}
     * @return how it ended
     */
    DmaOutcome send(long iova, int wanted) {
        requireOpen();
        int slot = inFlight.begin(caches.generation(), (wanted & WRITE) != 0);
        try {
            long physical = translator.translate(requester, pasid, iova, wanted, slot, moment());
            return isMemory(physical) ? DmaOutcome.DONE : blocked(iova, physical);
        } finally {
            inFlight.end(slot);
        }
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
            return isMemory(allowed)
                    ? DmaOutcome.DONE
                    : blocked(physical, Math.min(allowed, Translator.NOWHERE));
        } finally {
            inFlight.end(slot);
        }
    }

    @Override
    public Optional<TranslationService> translationService() {
        return Optional.ofNullable(service);
    }

    /** Ends the device: every later call throws, and DMA that waits for a page is blocked. */
    void close() {
        closed.set(true);
        if (service != null) {
            service.close();
        }
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

    private static DmaOutcome done(boolean waited) {
        return waited ? DmaOutcome.DONE.afterWaiting() : DmaOutcome.DONE;
    }

    private static DmaOutcome blocked(long iova, long end) {
        DmaOutcome outcome = DmaOutcome.blocked(iova, (int) (~end & ~WAITED));
        return (~end & WAITED) == 0 ? outcome : outcome.afterWaiting();
    }
}
