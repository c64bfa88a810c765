package org.iommu4j.vtd;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.IommuException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/** A device on a domain. What happens to one attachment happens one after another. */
final class DeviceAttachment implements Attachment {

    private static final Logger LOG = LogManager.getLogger(DeviceAttachment.class);

    private enum State {
        CLAIMED,
        ENTERED,
        REACHING,
        CLOSED
    }

    private final Attachments attachments;
    private final SourceId device;
    private final Unit unit;
    private final VtdDomain domain;
    private final Witness witness;
    private State state = State.CLAIMED;

    DeviceAttachment(
            Attachments attachments,
            SourceId device,
            Unit unit,
            VtdDomain domain,
            Witness witness) {
        this.attachments = attachments;
        this.device = device;
        this.unit = unit;
        this.domain = domain;
        this.witness = witness;
    }

    @Override
    public SourceId device() {
        return device;
    }

    @Override
    public VtdDomain domain() {
        return domain;
    }

    /**
     * Lets the device's requests through the domain.
     *
     * @throws IllegalStateException if the domain is closed
     * @throws IommuException if the unit failed
     */
    synchronized void open() {
        if (state == State.CLOSED) {
            throw new IllegalStateException("the Iommu is closed");
        }
        domain.enter();
        state = State.ENTERED;
        unit.reach(device.requester());
        state = State.REACHING;
        witness.attaching(device, SourceId.NO_PASID, domain.root());
        unit.attach(device.requester(), domain);
    }

    /**
     * Detaches the device.
     *
     * @throws IommuException if the unit failed: the device may still reach the domain's memory,
     *     and counts as attached until a later call succeeds
     */
    @Override
    public synchronized void close() {
        if (state == State.REACHING) {
            unit.detach(device.requester(), domain);
            witness.detached(device, SourceId.NO_PASID, domain.root());
            state = State.ENTERED;
            drain();
        }
        if (state == State.ENTERED) {
            domain.leave();
        }
        if (state != State.CLOSED) {
            state = State.CLOSED;
            attachments.released(device);
        }
    }

    /**
     * What other devices wait for need not wait longer; that one of them fails is not this one's
     * error.
     */
    private void drain() {
        try {
            domain.drain();
        } catch (IommuException e) {
            LOG.warn("flushes that were pending when {} was detached failed", device, e);
        }
    }
}
