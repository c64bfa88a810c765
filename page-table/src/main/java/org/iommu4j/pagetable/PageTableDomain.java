package org.iommu4j.pagetable;

import java.lang.System.Logger;
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

/**
 * A domain over a {@link PageTable}: all that does not depend on the hardware. A backend adds how a
 * gather is flushed, and what stands in the way of closing.
 */
public abstract class PageTableDomain implements IommuDomain, IotlbGather.Owner {

    private static final Logger LOG = System.getLogger(PageTableDomain.class.getName());

    private final PageTable table;
    private final boolean gathersAdditions;
    private final Lending<IotlbGather> gathers = new Lending<>();

    /**
     * Makes a domain of hardware that finds what was added by itself.
     *
     * @param table its tables
     */
    protected PageTableDomain(PageTable table) {
        this(table, false);
    }

    /**
     * Makes a domain.
     *
     * @param table its tables
     * @param gathersAdditions true if hardware may hold on to the absence of an entry, or does not
     *     see an addition by itself: what is mapped is then invalidated too
     */
    protected PageTableDomain(PageTable table, boolean gathersAdditions) {
        this.table = table;
        this.gathersAdditions = gathersAdditions;
    }

    /** {@return its tables} */
    protected final PageTable table() {
        return table;
    }

    /**
     * Has the hardware forget what a gather holds, under every id by which it knows this domain,
     * and calls {@link IotlbGather#completed()} when it has; as of {@link
     * org.iommu4j.flush.FlushPolicy#sync}.
     *
     * @param gather a gather of this domain
     * @return when the hardware has forgotten
     */
    protected abstract FlushCompletion flush(IotlbGather gather);

    /** {@return what was sent to the hardware for this domain} */
    protected abstract DomainStatistics.Invalidations invalidations();

    /**
     * Is called before the domain is closed.
     *
     * @throws IllegalStateException if a device is attached
     */
    protected void beforeClose() {}

    @Override
    public final void map(long iova, long outputAddress, long size, Access access) {
        if (table.mapAtOnce(iova, outputAddress, size, access)) {
            if (gathersAdditions) {
                finishAddition(iova, size);
            }
            return;
        }
        IotlbGather gather = takeGather();
        try {
            table.mapTheLongWay(iova, outputAddress, size, access, gather);
            added(iova, size, gather);
            finish(gather);
        } finally {
            gathers.giveBack(gather);
        }
    }

    @Override
    public final void map(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        requireMine(gather);
        table.map(iova, outputAddress, size, access, gather);
        added(iova, size, gather);
    }

    @Override
    public final boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        requireMine(gather);
        boolean mapped = table.tryMap(iova, outputAddress, size, access, gather);
        if (mapped) {
            added(iova, size, gather);
        }
        return mapped;
    }

    @Override
    public final long unmap(long iova, long size, IotlbGather gather) {
        requireMine(gather);
        return table.unmap(iova, size, gather);
    }

    @Override
    public final long unmap(long iova, long size) {
        IotlbGather gather = takeGather();
        try {
            long bytes = table.unmap(iova, size, gather);
            sync(gather).await();
            return bytes;
        } finally {
            gathers.giveBack(gather);
        }
    }

    @Override
    public final void cut(long iova, long size, IotlbGather gather) {
        requireMine(gather);
        table.cut(iova, size, gather);
    }

    @Override
    public final void split(long iova, long size, long pageSize, IotlbGather gather) {
        requireMine(gather);
        table.split(iova, size, pageSize, gather);
    }

    @Override
    public long coalesce(long iova, long size, IotlbGather gather) {
        throw new UnsupportedFeatureException(Feature.COALESCE, "coalesce");
    }

    @Override
    public final long translate(long iova) {
        return table.translate(iova);
    }

    @Override
    public final void mappings(long iova, long size, MappingVisitor visitor) {
        table.mappings(iova, size, visitor);
    }

    @Override
    public final Optional<Mapping> mappingAt(long iova) {
        return table.mappingAt(iova);
    }

    @Override
    public final IotlbGather gather() {
        return new IotlbGather(this);
    }

    @Override
    public final FlushCompletion sync(IotlbGather gather) {
        requireMine(gather);
        table.handOver(gather);
        return flush(gather);
    }

    @Override
    public DirtyTracking trackDirty(DirtyOptions options) {
        throw new UnsupportedFeatureException(Feature.DIRTY_TRACKING, "trackDirty");
    }

    @Override
    public final DomainStatistics statistics() {
        return new DomainStatistics(
                table.leaves(),
                table.tablePages(),
                table.peakTablePages(),
                table.splits(),
                0,
                invalidations());
    }

    @Override
    public final void trim() {
        IotlbGather gather = takeGather();
        try {
            table.trim(gather);
            finish(gather);
            table.trimAllocator();
        } finally {
            gathers.giveBack(gather);
        }
    }

    @Override
    public void close() {
        beforeClose();
        IotlbGather gather = takeGather();
        try {
            table.detachAll(gather);
            finish(gather);
        } finally {
            gathers.giveBack(gather);
        }
    }

    @Override
    public final void release(PageList pages) {
        table.release(pages);
    }

    @Override
    public final void invalidated(IotlbGather gather) {
        table.invalidated(gather);
    }

    @Override
    public final void abandoned(IotlbGather remains) {
        LOG.log(
                Logger.Level.WARNING,
                "a gather was dropped without a sync; everything is invalidated for it: {0}",
                remains);
        remains.addRange(0, 1L << table.addressWidth(), 1L << table.format().shift(0));
        remains.markStructureChanged();
        sync(remains);
    }

    private void finishAddition(long iova, long size) {
        IotlbGather gather = takeGather();
        try {
            added(iova, size, gather);
            finish(gather);
        } finally {
            gathers.giveBack(gather);
        }
    }

    /** Entries at any level may be new, so the hint that none but leaves are is not given. */
    private void added(long iova, long size, IotlbGather gather) {
        if (gathersAdditions) {
            gather.addRange(iova, size, 1L << table.format().shift(0));
            gather.markStructureChanged();
        }
    }

    private IotlbGather takeGather() {
        IotlbGather kept = gathers.take();
        return kept == null ? new IotlbGather(this) : kept;
    }

    private void finish(IotlbGather gather) {
        if (!gather.isEmpty()) {
            sync(gather).await();
        }
    }

    @SuppressWarnings("ReferenceEquality") // this domain, not one that equals it
    private void requireMine(IotlbGather gather) {
        if (gather.owner() != this) {
            throw new IllegalArgumentException("the gather belongs to another domain");
        }
    }
}
