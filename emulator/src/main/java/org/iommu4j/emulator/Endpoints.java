package org.iommu4j.emulator;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * The devices below a unit that have a translation service: what the unit sends to them. Devices
 * are added before the unit works; everything else comes from whoever works off the queue.
 */
final class Endpoints {

    /* Address bits that no translation has, so that a size of all of them is everything. */
    private static final int WIDEST = 57;

    private final Map<Integer, AddressTranslation> services = new ConcurrentHashMap<>();
    private final Set<AddressTranslation> invalidated = new HashSet<>();
    private final BooleanSupplier translating;
    private final @Nullable Audit audit;

    /**
     * Knows no device yet.
     *
     * @param translating says whether the unit translates
     * @param audit who hears of what devices are told
     */
    Endpoints(BooleanSupplier translating, @Nullable Audit audit) {
        this.translating = translating;
        this.audit = audit;
    }

    /** Adds a device. */
    void add(int requester, AddressTranslation service) {
        services.put(requester, service);
    }

    /**
     * Lets a device forget translations; see {@link #await}.
     *
     * @param descriptor one of type 3 or 8
     * @return false if nobody ever says that it is done: there is no such device, or the unit does
     *     not translate
     */
    boolean invalidate(Descriptor descriptor) {
        boolean ofPasid = descriptor.type() == Descriptor.PASID_DEVICE_TLB;
        int requester = ofPasid ? descriptor.sourceOfPasid() : descriptor.source();
        AddressTranslation service = services.get(requester);
        if (service == null || !translating.getAsBoolean()) {
            return false;
        }
        long address = descriptor.address();
        int shift = 12;
        if (descriptor.isSized()) {
            shift += 1 + Long.numberOfTrailingZeros(~(address >>> 12));
            shift = shift >= WIDEST ? Long.SIZE : shift;
            address = shift == Long.SIZE ? 0 : address & -1L << shift;
        }
        if (ofPasid && descriptor.isGlobal()) {
            service.invalidateAll(address, shift);
        } else {
            service.invalidate(ofPasid ? descriptor.pasid() : SourceId.NO_PASID, address, shift);
        }
        invalidated.add(service);
        say(requester, ofPasid, descriptor, address, shift);
        return true;
    }

    private void say(
            int requester, boolean ofPasid, Descriptor descriptor, long address, int shift) {
        if (audit != null) {
            audit.invalidated(
                    "device TLB of 0x"
                            + Integer.toHexString(requester)
                            + (ofPasid
                                    ? ", PASID 0x" + Integer.toHexString(descriptor.pasid())
                                    : "")
                            + ", 0x"
                            + Long.toHexString(address)
                            + ", 2^"
                            + shift
                            + " bytes");
        }
    }

    /** Waits until no device uses what it was told to forget. */
    void await() {
        if (!invalidated.isEmpty()) { // most waits are for the unit alone: no iterator
            invalidated.forEach(AddressTranslation::await);
            invalidated.clear();
        }
    }

    /** Brings a device the answer to its page requests; a descriptor of type 9. */
    void answer(Descriptor descriptor) {
        int requester = descriptor.sourceOfPasid();
        int pasid = descriptor.hasPasid() ? descriptor.pasid() : SourceId.NO_PASID;
        if (audit != null) {
            audit.pageAnswered(requester, pasid, descriptor.group(), descriptor.responseCode());
        }
        AddressTranslation service = services.get(requester);
        if (service != null) {
            service.answered(pasid, descriptor.group(), descriptor.responseCode());
        }
    }

    /** The unit translates no more: what was asked for gets no answer. */
    void stop() {
        if (audit != null) {
            services.keySet()
                    .forEach(source -> audit.pageRequestsEnd(source, "translation is turned off"));
        }
    }
}
