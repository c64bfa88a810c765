package org.iommu4j.pagetable;

import java.lang.System.Logger;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.iommu4j.api.Access;
import org.iommu4j.api.AddressExplanation;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOperation.Kind;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.PageList;
import org.iommu4j.pagetable.event.MapEvent;
import org.iommu4j.pagetable.event.UnmapEvent;
import org.jspecify.annotations.Nullable;

/**
 * A domain over a {@link PageTable}: all that does not depend on the hardware. A backend adds how a
 * gather is flushed, and what stands in the way of closing.
 */
public abstract class PageTableDomain implements IommuDomain, IotlbGather.Owner {

    private static final Logger LOG = System.getLogger(PageTableDomain.class.getName());

    private final PageTable table;
    private final ShortWays shortWays;
    private final Translator translator;
    private final boolean gathersAdditions;
    private final Coalescing coalescing;
    private final boolean followsMaps;
    private final @Nullable OperationHistory history;
    private final boolean mapsAreHeard;
    private final Lending<IotlbGather> gathers = new Lending<>();
    private final AtomicReference<@Nullable DirtyTracker> tracking = new AtomicReference<>();

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
     * @throws UnsupportedFeatureException if the domain is to coalesce in the background
     */
    protected PageTableDomain(PageTable table, boolean gathersAdditions) {
        this(new Coalescing(table, null), table, gathersAdditions);
    }

    /**
     * Makes a domain that can work in the background.
     *
     * @param table its tables
     * @param gathersAdditions true if hardware may hold on to the absence of an entry, or does not
     *     see an addition by itself: what is mapped is then invalidated too
     * @param scheduler gives what runs short tasks on a thread that may wait for hardware; asked
     *     once something has been mapped, if the domain's {@link org.iommu4j.api.CoalescePolicy} is
     *     to coalesce in the background
     */
    protected PageTableDomain(
            PageTable table,
            boolean gathersAdditions,
            Supplier<ScheduledExecutorService> scheduler) {
        this(new Coalescing(table, scheduler), table, gathersAdditions);
    }

    private PageTableDomain(Coalescing coalescing, PageTable table, boolean gathersAdditions) {
        this.table = table;
        this.shortWays = table.shortWays();
        this.translator = table.translator();
        this.gathersAdditions = gathersAdditions;
        this.coalescing = coalescing;
        this.followsMaps = gathersAdditions || coalescing.follows();
        this.history = table.explainer().history();
        this.mapsAreHeard = followsMaps || history != null;
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
     * Has the hardware keep dirty bits in these tables, whatever devices are or will be attached.
     * Called when tracking begins; what was written before this returns need not be known.
     *
     * @throws UnsupportedFeatureException if it cannot; that is what this method does unless it is
     *     overridden
     */
    protected void startDirtyBits() {
        throw new UnsupportedFeatureException(Feature.DIRTY_TRACKING, "trackDirty");
    }

    /**
     * The hardware need keep dirty bits in these tables no longer. Does nothing unless overridden.
     */
    protected void stopDirtyBits() {}

    /**
     * Is called before the domain is closed.
     *
     * @throws IllegalStateException if a device is attached
     */
    protected void beforeClose() {}

    @Override
    public final void map(long iova, long outputAddress, long size, Access access) {
        MapEvent event = MapEvent.begun();
        mapAndWait(iova, outputAddress, size, access);
        mapped(event, iova, outputAddress, size);
    }

    private void mapAndWait(long iova, long outputAddress, long size, Access access) {
        if (shortWays.map(iova, outputAddress, size, access)) {
            if (mapsAreHeard) {
                note(Kind.MAP, iova, size);
                if (followsMaps) {
                    finishAddition(iova, size);
                }
            }
            return;
        }
        IotlbGather gather = takeGather();
        try {
            table.mapTheLongWay(iova, outputAddress, size, access, gather);
            note(Kind.MAP, iova, size);
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
        MapEvent event = MapEvent.begun();
        table.map(iova, outputAddress, size, access, gather);
        note(Kind.MAP, iova, size);
        added(iova, size, gather);
        mapped(event, iova, outputAddress, size);
    }

    @Override
    public final boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        requireMine(gather);
        MapEvent event = MapEvent.begun();
        boolean mapped = table.tryMap(iova, outputAddress, size, access, gather);
        if (mapped) {
            note(Kind.MAP, iova, size);
            added(iova, size, gather);
            mapped(event, iova, outputAddress, size);
        }
        return mapped;
    }

    @Override
    public final long unmap(long iova, long size, IotlbGather gather) {
        requireMine(gather);
        UnmapEvent event = UnmapEvent.begun();
        long bytes = remove(iova, size, gather);
        unmapped(event, iova, size, bytes, false);
        return bytes;
    }

    @Override
    public final long unmap(long iova, long size) {
        UnmapEvent event = UnmapEvent.begun();
        IotlbGather gather = takeGather();
        try {
            long bytes = remove(iova, size, gather);
            sync(gather).await();
            unmapped(event, iova, size, bytes, true);
            return bytes;
        } finally {
            gathers.giveBack(gather);
        }
    }

    /* As PageTable.unmap, with one reference less on the short way, which is a tenth of its time. */
    private long remove(long iova, long size, IotlbGather gather) {
        long bytes = shortWays.unmap(iova, size, gather);
        if (bytes < 0) {
            bytes = table.unmapTheLongWay(iova, size, gather);
        }
        note(Kind.UNMAP, iova, size);
        return bytes;
    }

    @Override
    public final void cut(long iova, long size, IotlbGather gather) {
        requireMine(gather);
        table.cut(iova, size, gather);
        note(Kind.CUT, iova, size);
    }

    @Override
    public final void split(long iova, long size, long pageSize, IotlbGather gather) {
        requireMine(gather);
        table.split(iova, size, pageSize, gather);
        note(Kind.SPLIT, iova, size);
    }

    @Override
    public final long coalesce(long iova, long size, IotlbGather gather) {
        requireMine(gather);
        long merged = table.coalesce(iova, size, gather);
        note(Kind.COALESCE, iova, size);
        return merged;
    }

    @Override
    public final long translate(long iova) {
        return translator.translate(iova);
    }

    @Override
    public final void mappings(long iova, long size, MappingVisitor visitor) {
        table.mappings(iova, size, visitor);
    }

    @Override
    public final Optional<Mapping> mappingAt(long iova) {
        return table.mappingAt(iova);
    }

    /** As every domain explains; the tables name the domain by {@link #toString}. */
    @Override
    public final AddressExplanation explain(long iova) {
        return table.explainer().explain(toString(), iova);
    }

    @Override
    public final IotlbGather gather() {
        return new IotlbGather(this);
    }

    @Override
    public final FlushCompletion sync(IotlbGather gather) {
        requireMine(gather);
        table.handOver(gather);
        FlushCompletion completion = flush(gather);
        table.handedOver(gather, completion);
        return completion;
    }

    @Override
    public final DirtyTracking trackDirty(DirtyOptions options) {
        table.dirtyBits().requireTrackable(options);
        DirtyTracker tracker = new DirtyTracker(this, table, options);
        if (!tracking.compareAndSet(null, tracker)) {
            throw new IllegalStateException(
                    "the domain is being tracked; close that tracking first");
        }
        boolean begun = false;
        try {
            startDirtyBits();
            begun = true;
            start(options);
            tracker.begun();
            return tracker;
        } catch (RuntimeException | Error e) {
            if (begun) {
                table.dirtyBits().stop();
                stopDirtyBits();
            }
            tracking.set(null);
            throw e;
        }
    }

    private void start(DirtyOptions options) {
        IotlbGather gather = takeGather();
        try {
            table.dirtyBits().start(options, gather);
        } finally {
            finish(gather);
            gathers.giveBack(gather);
        }
    }

    /** Ends a tracking: from here on nobody reads dirty bits. */
    final void stop(DirtyTracker tracker) {
        if (tracking.compareAndSet(tracker, tracker)) {
            stopDirtyBits();
            table.dirtyBits().stop();
            tracking.set(null);
            if (tracker.options().coalesceOnStop()) {
                coalesceAll();
            }
        }
    }

    private void coalesceAll() {
        IotlbGather gather = takeGather();
        try {
            table.merging().apply(0, (1L << table.addressWidth()) - 1, gather);
            finish(gather);
        } finally {
            gathers.giveBack(gather);
        }
    }

    @Override
    public final DomainStatistics statistics() {
        return new DomainStatistics(
                table.leaves(),
                table.tablePages(),
                table.peakTablePages(),
                table.splits(),
                table.coalesces(),
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
        coalescing.close();
        DirtyTracker tracker = tracking.get();
        if (tracker != null) {
            tracker.end();
            table.dirtyBits().stop();
        }
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

    private void mapped(@Nullable MapEvent event, long iova, long outputAddress, long size) {
        if (event != null) {
            event.ended(table.root(), iova, outputAddress, size);
        }
    }

    private void unmapped(
            @Nullable UnmapEvent event, long iova, long size, long bytes, boolean waited) {
        if (event != null) {
            event.ended(table.root(), iova, size, bytes, waited);
        }
    }

    private void note(Kind kind, long iova, long size) {
        if (history != null) {
            history.note(kind, iova, size);
        }
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

    private void added(long iova, long size, IotlbGather gather) {
        if (followsMaps) {
            follow(iova, size, gather);
        }
    }

    /** Entries at any level may be new, so the hint that none but leaves are is not given. */
    private void follow(long iova, long size, IotlbGather gather) {
        if (gathersAdditions) {
            gather.addRange(iova, size, 1L << table.format().shift(0));
            gather.markStructureChanged();
        }
        if (coalescing.follows()) {
            coalescing.mapped(this, iova, size, gather);
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
    final void requireMine(IotlbGather gather) {
        if (gather.owner() != this) {
            throw new IllegalArgumentException("the gather belongs to another domain");
        }
    }

    /** Names the domain in messages: by its root table, unless the backend knows better. */
    @Override
    public String toString() {
        return "the domain with its root table at 0x" + Long.toHexString(table.root());
    }
}
