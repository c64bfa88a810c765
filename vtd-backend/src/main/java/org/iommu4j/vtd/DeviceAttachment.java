package org.iommu4j.vtd;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.IommuException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/**
 * A device on a domain, under one process address space id or without one. What happens to one
 * attachment happens one after another.
 */
final class DeviceAttachment implements Attachment {

    private static final Logger LOG = LogManager.getLogger(DeviceAttachment.class);

    private enum State {
        CLAIMED,
        ENTERED,
        REACHING,
        SERVED,
        DRAINING,
        CLOSED
    }

    private final Attachments attachments;
    private final SourceId device;
    private final Route route;
    private final VtdDomain domain;
    private final Witness witness;
    private final PageRequests requests;
    private State state = State.CLAIMED;

    DeviceAttachment(
            Attachments attachments,
            SourceId device,
            Route route,
            VtdDomain domain,
            Witness witness,
            PageRequests requests) {
        this.attachments = attachments;
        this.device = device;
        this.route = route;
        this.domain = domain;
        this.witness = witness;
        this.requests = requests;
    }

    @Override
    public SourceId device() {
        return device;
    }

    @Override
    public int pasid() {
        return route.pasid();
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
        domain.use().enter();
        state = State.ENTERED;
        route.unit().reach(route);
        state = State.REACHING;
        witness.attaching(device, route.pasid(), domain.root());
        route.unit().attach(route, domain);
        if (domain.takesPageRequests()) {
            beginService();
        }
        LOG.debug("attached {} to {}", route, domain);
    }

    /** The entry is up: the device may ask for what is missing. */
    private void beginService() {
        requests.serve(PageRequester.of(route));
        state = State.SERVED;
        route.unit().turnOn(route, () -> requests.beginAnew(PageRequester.of(route)));
    }

    /** The entry is still up: the device asks for nothing more in this domain. */
    private void endService() {
        if (state == State.SERVED) {
            route.unit().turnOff(route);
            state = State.DRAINING;
        }
        if (state == State.DRAINING) {
            requests.end(PageRequester.of(route));
            state = State.REACHING;
        }
    }

    /**
     * Detaches the device.
     *
     * @throws IommuException if the unit failed: the device may still reach the domain's memory,
     *     and counts as attached until a later call succeeds
     */
    @Override
    public synchronized void close() {
        endService();
        if (state == State.REACHING) {
            route.unit().detach(route, domain);
            witness.detached(device, route.pasid(), domain.root());
            state = State.ENTERED;
            drain();
        }
        if (state == State.ENTERED) {
            domain.use().leave();
        }
        if (state != State.CLOSED) {
            state = State.CLOSED;
            attachments.released(this);
            LOG.debug("detached {} from {}", route, domain);
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
