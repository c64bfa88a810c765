package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/** VT-d's page tables without hardware: domains work, devices cannot be attached. */
@Singleton
final class VtdIommu implements Iommu {

    private static final Logger LOG = LogManager.getLogger(VtdIommu.class);

    /* The widest there is: what the format can hold. */
    private static final int HOST_ADDRESS_WIDTH = 52;

    private final DomainFactory domains;
    private final FlushPolicy policy;
    private final BackgroundWork background;
    private final Capabilities capabilities;
    private boolean closed;

    @Inject
    VtdIommu(DomainFactory domains, FlushPolicy policy, BackgroundWork background) {
        this.domains = domains;
        this.policy = policy;
        this.background = background;
        Set<Feature> features = EnumSet.of(Feature.SECOND_STAGE);
        features.addAll(VtdFormats.SECOND_STAGE_4.features());
        this.capabilities =
                new Capabilities(
                        VtdFormats.SECOND_STAGE_4.pageSizes(),
                        DomainFactory.WIDTHS,
                        HOST_ADDRESS_WIDTH,
                        features);
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
        throw absent(Feature.ATTACH, "cannot attach " + device);
    }

    @Override
    public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
        throw absent(
                Feature.PASID,
                "cannot attach " + device + " with PASID 0x" + Integer.toHexString(pasid));
    }

    @Override
    public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
        throw absent(Feature.FAULT_REPORTING, "cannot listen for faults");
    }

    @Override
    public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
        throw absent(Feature.PAGE_REQUESTS, "cannot listen for page requests");
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        RuntimeException failure = null;
        for (VtdDomain domain : domains.open()) {
            failure = attempt(domain::close, failure);
        }
        failure = attempt(policy::close, failure);
        background.close();
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
            LOG.warn("a part of the Iommu could not be closed", e);
            if (before == null) {
                return e;
            }
            before.addSuppressed(e);
            return before;
        }
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
    }

    private UnsupportedFeatureException absent(Feature feature, String what) {
        requireOpen();
        return new UnsupportedFeatureException(
                feature, what + ": these are page tables without hardware");
    }
}
