package org.iommu4j.vtd;

import java.util.Collections;
import java.util.Locale;
import java.util.Optional;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * A domain without tables: an I/O virtual address is the physical address. It can be attached and
 * looked at; what would change a table is refused.
 */
final class PassThroughDomain implements VtdDomain, IotlbGather.Owner {

    private static final long SMALLEST = PhysicalMemory.PAGE_SIZE;

    private final DomainFactory factory;
    private final DomainId id;
    private final DomainUse use;
    private final UnitDirtyBits dirtyBits;
    private final TableAllocator pages;
    private final int addressWidth;

    /**
     * Makes a domain.
     *
     * @param factory who is told of its end
     * @param id a lent id
     * @param pages the allocator of all domains, from which it takes nothing
     * @param addressWidth the width of physical addresses, in bits
     */
    PassThroughDomain(DomainFactory factory, DomainId id, TableAllocator pages, int addressWidth) {
        this.factory = factory;
        this.id = id;
        this.use = new DomainUse(id);
        this.dirtyBits = new UnitDirtyBits(id, false);
        this.pages = pages;
        this.addressWidth = addressWidth;
    }

    @Override
    public DomainFactory factory() {
        return factory;
    }

    @Override
    public DomainId id() {
        return id;
    }

    @Override
    public DomainUse use() {
        return use;
    }

    @Override
    public UnitDirtyBits dirtyBits() {
        return dirtyBits;
    }

    @Override
    public TableAllocator pages() {
        return pages;
    }

    @Override
    public boolean takesPageRequests() {
        return false;
    }

    @Override
    public long root() {
        return 0;
    }

    @Override
    public int levels() {
        return 0;
    }

    @Override
    public int addressWidth() {
        return addressWidth;
    }

    @Override
    public long pageSizes() {
        return 0;
    }

    @Override
    public void drain() {}

    @Override
    public long translate(long iova) {
        use.requireOpen();
        return iova >>> addressWidth == 0 ? iova : IommuDomain.NOT_MAPPED;
    }

    @Override
    public void mappings(long iova, long size, MappingVisitor visitor) {
        use.requireOpen();
        boolean inside = iova >>> addressWidth == 0 && size <= (1L << addressWidth) - iova;
        if (size <= 0 || (iova | size) % SMALLEST != 0 || !inside) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "0x%x bytes at 0x%x; multiples of 0x%x below 0x%x are legal",
                            size,
                            iova,
                            SMALLEST,
                            1L << addressWidth));
        }
        Mapping all = all();
        visitor.leaf(all.iova(), all.outputAddress(), all.size(), all.access());
    }

    @Override
    public Optional<Mapping> mappingAt(long iova) {
        use.requireOpen();
        return iova >>> addressWidth == 0 ? Optional.of(all()) : Optional.empty();
    }

    private Mapping all() {
        return new Mapping(0, 0, 1L << addressWidth, Access.READ_WRITE);
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access) {
        throw refused("map", iova, size);
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        throw refused("map", iova, size);
    }

    @Override
    public boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        throw refused("map", iova, size);
    }

    @Override
    public long unmap(long iova, long size, IotlbGather gather) {
        throw refused("unmap", iova, size);
    }

    @Override
    public long unmap(long iova, long size) {
        throw refused("unmap", iova, size);
    }

    @Override
    public void cut(long iova, long size, IotlbGather gather) {
        throw refused("cut", iova, size);
    }

    @Override
    public void split(long iova, long size, long pageSize, IotlbGather gather) {
        throw refused("split", iova, size);
    }

    @Override
    public long coalesce(long iova, long size, IotlbGather gather) {
        throw refused("coalesce", iova, size);
    }

    /** The domain lacks what a domain of either stage has. */
    private UnsupportedFeatureException refused(String operation, long iova, long size) {
        use.requireOpen();
        return new UnsupportedFeatureException(
                Feature.SECOND_STAGE,
                String.format(
                        Locale.ROOT,
                        "%s of 0x%x bytes at 0x%x in a pass-through domain, which has no tables",
                        operation,
                        size,
                        iova));
    }

    @Override
    public DirtyTracking trackDirty(DirtyOptions options) {
        use.requireOpen();
        throw new UnsupportedFeatureException(
                Feature.DIRTY_TRACKING, "trackDirty of a pass-through domain, which has no tables");
    }

    @Override
    public IotlbGather gather() {
        return new IotlbGather(this);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // this domain, not one that equals it
    public FlushCompletion sync(IotlbGather gather) {
        if (gather.owner() != this) {
            throw new IllegalArgumentException("the gather belongs to another domain");
        }
        gather.completed();
        return FlushCompletion.DONE;
    }

    @Override
    public void release(PageList released) {
        pages.giveBack(released);
    }

    @Override
    public DomainStatistics statistics() {
        return new DomainStatistics(Collections.emptySortedMap(), 0, 0, 0, 0, id.counts().sum());
    }

    @Override
    public void trim() {}

    @Override
    public void close() {
        use.close();
        factory.closed(this);
    }

    /** As in {@code domain 0x1 (pass-through)}. */
    @Override
    public String toString() {
        return id + " (pass-through)";
    }
}
