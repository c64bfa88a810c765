package com.example.riscv;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;

/** Which device is on which domain: at most one, until its detach has succeeded. */
final class Attachments {

    private final Domains domains;
    private final Witness witness;
    private final Map<SourceId, DeviceAttachment> byDevice = new LinkedHashMap<>();

    Attachments(Domains domains, Witness witness) {
        this.domains = domains;
        this.witness = witness;
    }

    synchronized Attachment attach(Unit unit, SourceId device, IommuDomain domain) {
        if (!(domain instanceof RiscvDomain mine) || !domains.made(mine)) {
            throw new IllegalArgumentException(
                    "cannot attach " + device + " to a domain of another Iommu");
        }
        if (!unit.covers(device)) {
            throw new IllegalArgumentException("the IOMMU does not cover " + device);
        }
        if (byDevice.containsKey(device)) {
            throw new IllegalStateException(device + " is attached; close that attachment first");
        }
        mine.enter();
        try {
            witness.attaching(device, SourceId.NO_PASID, mine.root());
            unit.attach(device, mine);
        } catch (RuntimeException e) {
            witness.detached(device, SourceId.NO_PASID, mine.root());
            mine.leave();
            throw e;
        }
        DeviceAttachment attachment = new DeviceAttachment(unit, device, mine);
        byDevice.put(device, attachment);
        return attachment;
    }

    synchronized List<Attachment> all() {
        return List.copyOf(byDevice.values());
    }

    private synchronized void released(SourceId device) {
        byDevice.remove(device);
    }

    private final class DeviceAttachment implements Attachment {

        private final Unit unit;
        private final SourceId device;
        private final RiscvDomain domain;
        private boolean closed;

        DeviceAttachment(Unit unit, SourceId device, RiscvDomain domain) {
            this.unit = unit;
            this.device = device;
            this.domain = domain;
        }

        @Override
        public SourceId device() {
            return device;
        }

        @Override
        public IommuDomain domain() {
            return domain;
        }

        /**
         * Detaches the device.
         *
         * @throws IommuException if the unit failed: the device counts as attached
         */
        @Override
        public synchronized void close() {
            if (!closed) {
                unit.detach(device, domain);
                witness.detached(device, SourceId.NO_PASID, domain.root());
                closed = true;
                domain.leave();
                released(device);
            }
        }
    }
}
