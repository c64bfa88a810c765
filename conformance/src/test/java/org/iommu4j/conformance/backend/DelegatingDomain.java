package org.iommu4j.conformance.backend;

import java.util.Optional;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingVisitor;

/** Another domain, of which a subclass changes one thing. */
class DelegatingDomain implements IommuDomain {

    final IommuDomain real;

    DelegatingDomain(IommuDomain real) {
        this.real = real;
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access) {
        real.map(iova, outputAddress, size, access);
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        real.map(iova, outputAddress, size, access, gather);
    }

    @Override
    public boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        return real.tryMap(iova, outputAddress, size, access, gather);
    }

    @Override
    public long unmap(long iova, long size, IotlbGather gather) {
        return real.unmap(iova, size, gather);
    }

    @Override
    public long unmap(long iova, long size) {
        return real.unmap(iova, size);
    }

    @Override
    public void cut(long iova, long size, IotlbGather gather) {
        real.cut(iova, size, gather);
    }

    @Override
    public void split(long iova, long size, long pageSize, IotlbGather gather) {
        real.split(iova, size, pageSize, gather);
    }

    @Override
    public long coalesce(long iova, long size, IotlbGather gather) {
        return real.coalesce(iova, size, gather);
    }

    @Override
    public long translate(long iova) {
        return real.translate(iova);
    }

    @Override
    public void mappings(long iova, long size, MappingVisitor visitor) {
        real.mappings(iova, size, visitor);
    }

    @Override
    public Optional<Mapping> mappingAt(long iova) {
        return real.mappingAt(iova);
    }

    @Override
    public IotlbGather gather() {
        return real.gather();
    }

    @Override
    public FlushCompletion sync(IotlbGather gather) {
        return real.sync(gather);
    }

    @Override
    public DirtyTracking trackDirty(DirtyOptions options) {
        return real.trackDirty(options);
    }

    @Override
    public DomainStatistics statistics() {
        return real.statistics();
    }

    @Override
    public void trim() {
        real.trim();
    }

    @Override
    public void close() {
        real.close();
    }
}
