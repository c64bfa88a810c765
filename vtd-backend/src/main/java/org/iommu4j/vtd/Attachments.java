package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/** Which device is on which domain: at most one, from attach until its detach has succeeded. */
@Singleton
final class Attachments {

    private final RemappingUnits units;
    private final Witness witness;
    private final Map<SourceId, DeviceAttachment> byDevice = new LinkedHashMap<>();
    private boolean closed;

    @Inject
    Attachments(RemappingUnits units, Witness witness) {
        this.units = units;
        this.witness = witness;
    }

    /**
     * Attaches a device.
     *
     * @param device the device
     * @param domain the domain
     * @return the attachment
     * @throws IllegalArgumentException if no unit covers the device
     * @throws UnsupportedFeatureException if the domain does not fit the unit; nothing has changed
     * @throws IllegalStateException if the device is attached, or the domain is closed
     * @throws IommuException if the unit failed; the device is detached again, or stays attached
     *     until the Iommu is closed
     */
    Attachment attach(SourceId device, VtdDomain domain) {
        Unit unit = units.of(device);
        unit.requireFit(domain);
        DeviceAttachment attachment = new DeviceAttachment(this, device, unit, domain, witness);
        claim(device, attachment);
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

    private synchronized void claim(SourceId device, DeviceAttachment attachment) {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
        DeviceAttachment present = byDevice.get(device);
        if (present != null) {
            throw new IllegalStateException(
                    device
                            + " is attached to the domain with the id 0x"
                            + Integer.toHexString(present.domain().id().value())
                            + "; close that attachment first");
        }
        byDevice.put(device, attachment);
    }

    /** Hears that a device can be attached again. */
    synchronized void released(SourceId device) {
        byDevice.remove(device);
    }

    /** {@return every attachment there is now; there will be no new ones} */
    synchronized List<DeviceAttachment> closeAll() {
        closed = true;
        return new ArrayList<>(byDevice.values());
    }
}
