package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/** VT-d on the remapping units of a machine, or its page tables without hardware. */
@Singleton
final class VtdIommu implements Iommu {

    private static final Logger LOG = LogManager.getLogger(VtdIommu.class);
    private static final int MOST_PASID = 0xfffff;

    private final RemappingUnits units;
    private final DomainFactory domains;
    private final Attachments attachments;
    private final FaultLog faults;
    private final PageRequests requests;
    private final FlushPolicy policy;
    private final BackgroundWork background;
    private final Capabilities capabilities;
    private volatile boolean closed;

    @Inject
    VtdIommu(
            RemappingUnits units,
            DomainFactory domains,
            Attachments attachments,
            FaultLog faults,
            PageRequests requests,
            FlushPolicy policy,
            BackgroundWork background,
            UnitLimits limits) {
        this.units = units;
        this.domains = domains;
        this.attachments = attachments;
        this.faults = faults;
        this.requests = requests;
        this.policy = policy;
        this.background = background;
        this.capabilities = limits.capabilities();
    }

    /**
     * Takes the units over; to be called once, before anything else.
     *
     * @throws IommuException if one of them fails; everything is as it was then
     */
    void start() {
        try {
            units.start();
            faults.watch();
        } catch (RuntimeException e) {
            policy.close();
            background.close();
            throw e;
        }
    }

    /** {@return the units it drives, perhaps none} */
    RemappingUnits units() {
        return units;
    }

    @Override
    public String backend() {
        return VtdIommuProvider.NAME;
    }

    @Override
    public Capabilities capabilities() {
        return capabilities;
    }

    @Override
    public synchronized IommuDomain createDomain(DomainOptions options) {
        requireOpen();
        return domains.create(options);
    }

    @Override
    public Attachment attach(SourceId device, IommuDomain domain) {
        requireUnits(Feature.ATTACH, "cannot attach " + device);
        faults.watch();
        return attachments.attach(device, SourceId.NO_PASID, mine(device, domain));
    }

    @Override
    public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
        requireUnits(
                Feature.PASID,
                "cannot attach " + device + " with PASID 0x" + Integer.toHexString(pasid));
        if (pasid < 1 || pasid > MOST_PASID) {
            throw new IllegalArgumentException(
                    "the PASID 0x"
                            + Integer.toHexString(pasid)
                            + "; 0x1 to 0x"
                            + Integer.toHexString(MOST_PASID)
                            + " are legal");
        }
        faults.watch();
        return attachments.attach(device, pasid, mine(device, domain));
    }

    private VtdDomain mine(SourceId device, IommuDomain domain) {
        if (!(domain instanceof VtdDomain mine) || !domains.made(mine)) {
            throw new IllegalArgumentException(
                    "cannot attach " + device + " to a domain of another Iommu");
        }
        return mine;
    }

    @Override
    public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
        requireUnits(Feature.FAULT_REPORTING, "cannot listen for faults");
        return faults.listen(listener);
    }

    @Override
    public FaultCounts faultCounts() {
        return faults.counts();
    }

    @Override
    public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
        requireUnits(Feature.PAGE_REQUESTS, "cannot answer page requests");
        if (units.all().stream().noneMatch(unit -> unit.capabilities().takesPageRequests())) {
            throw absent(Feature.PAGE_REQUESTS, "cannot answer page requests");
        }
        return requests.answerBy(executor, handler);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        RuntimeException failure = attempt(faults::lookBeforeDetach, null);
        for (DeviceAttachment attachment : attachments.closeAll()) {
            failure = attempt(attachment::close, failure);
        }
        for (VtdDomain domain : domains.open()) {
            failure = attempt(domain::close, failure);
        }
        failure = attempt(policy::close, failure);
        failure = attempt(requests::close, failure);
        failure = attempt(faults::close, failure);
        for (Unit unit : units.all()) {
            failure = attempt(unit::stop, failure);
        }
        background.close();
        LOG.info("closed");
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable RuntimeException attempt(
            Runnable step, @Nullable RuntimeException before) {
        try {
            step.run();
            return before;
        } catch (RuntimeException e) {
            LOG.error("a part of the Iommu could not be closed", e);
            if (before == null) {
                return e;
            }
            before.addSuppressed(e);
            return before;
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
    }

    private void requireUnits(Feature feature, String what) {
        if (units.all().isEmpty()) {
            throw absent(feature, what);
        }
        requireOpen();
    }

    private UnsupportedFeatureException absent(Feature feature, String what) {
        requireOpen();
        return new UnsupportedFeatureException(
                feature,
                units.all().isEmpty() ? what + ": these are page tables without hardware" : what);
    }
}
