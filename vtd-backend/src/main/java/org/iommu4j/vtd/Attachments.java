package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/**
 * Which requests go through which domain: those of a device without a process address space id, and
 * those with each, through at most one, from attach until its detach has succeeded.
 */
@Singleton
final class Attachments {

    /** The requests of a device under one process address space id, or without one. */
    private record Requests(SourceId device, int pasid) {}

    private final RemappingUnits units;
    private final Witness witness;
    private final PageRequests requests;
    private final Map<Requests, DeviceAttachment> present = new LinkedHashMap<>();
    private boolean closed;

    @Inject
    Attachments(RemappingUnits units, Witness witness, PageRequests requests) {
        this.units = units;
        this.witness = witness;
        this.requests = requests;
    }

    /**
     * Attaches a device.
     *
     * @param device the device
     * @param pasid under which process address space id, or {@link SourceId#NO_PASID}
     * @param domain the domain
     * @return the attachment
     * @throws IllegalArgumentException if no unit covers the device, or the unit takes no such
     *     process address space id
     * @throws UnsupportedFeatureException if the domain does not fit the unit; nothing has changed
     * @throws IllegalStateException if that is attached, or the domain is closed
     * @throws IommuException if the unit failed; the device is detached again, or stays attached
     *     until the Iommu is closed
     */
    Attachment attach(SourceId device, int pasid, VtdDomain domain) {
        Route route = units.of(device).route(device, pasid);
        DomainFit.require(route, domain);
        DeviceAttachment attachment =
                new DeviceAttachment(this, device, route, domain, witness, requests);
        claim(attachment);
        try {
            attachment.open();
        } catch (RuntimeException e) {
            try {
                attachment.close();
            } catch (IommuException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        return attachment;
    }

    private synchronized void claim(DeviceAttachment attachment) {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
        DeviceAttachment other = present.putIfAbsent(key(attachment), attachment);
        if (other != null) {
            String pasid =
                    other.pasid() == SourceId.NO_PASID
                            ? ""
                            : " with PASID 0x" + Integer.toHexString(other.pasid());
            throw new IllegalStateException(
                    other.device()
                            + pasid
                            + " is attached to the domain with the id 0x"
                            + Integer.toHexString(other.domain().id().value())
                            + "; close that attachment first");
        }
    }

    /** Hears that its requests can be attached again. */
    synchronized void released(DeviceAttachment attachment) {
        present.remove(key(attachment));
    }

    /** {@return the domain that requests of a device go through now} */
    synchronized Optional<VtdDomain> domainOf(SourceId device, int pasid) {
        return Optional.ofNullable(present.get(new Requests(device, pasid)))
                .map(DeviceAttachment::domain);
    }

    private static Requests key(DeviceAttachment attachment) {
        return new Requests(attachment.device(), attachment.pasid());
    }

    /** {@return every attachment there is now; there will be no new ones} */
    synchronized List<DeviceAttachment> closeAll() {
        closed = true;
        return new ArrayList<>(present.values());
    }
}
