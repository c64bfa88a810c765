package org.iommu4j.conformance.backend;

import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.machine.SourceId;

/** Another Iommu, of which a subclass changes one thing. */
class DelegatingIommu implements Iommu {

    final Iommu real;

    DelegatingIommu(Iommu real) {
        this.real = real;
    }

    @Override
    public String backend() {
        return real.backend();
    }

    @Override
    public Capabilities capabilities() {
        return real.capabilities();
    }

    @Override
    public IommuDomain createDomain(DomainOptions options) {
        return real.createDomain(options);
    }

    @Override
    public Attachment attach(SourceId device, IommuDomain domain) {
        return real.attach(device, unwrapped(domain));
    }

    @Override
    public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
        return real.attach(device, pasid, unwrapped(domain));
    }

    static IommuDomain unwrapped(IommuDomain domain) {
        return domain instanceof DelegatingDomain wrapped ? unwrapped(wrapped.real) : domain;
    }

    @Override
    public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
        return real.onFault(listener);
    }

    @Override
    public FaultCounts faultCounts() {
        return real.faultCounts();
    }

    @Override
    public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
        return real.onPageRequest(executor, handler);
    }

    @Override
    public void close() {
        real.close();
    }
}
