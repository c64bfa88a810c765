package org.iommu4j.pagetable;

import java.util.Optional;
import java.util.SortedMap;
import org.iommu4j.api.Access;
import org.iommu4j.api.CoalescePolicy;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.TableAllocator;

/**
 * One tree of page tables of any format: the engine on which every backend lives.
 *
 * <p>The operations are those of {@link IommuDomain}, with its promises. Any thread may call any of
 * them on any range; none waits for hardware. What hardware must forget goes into the caller's
 * gather.
 */
public final class PageTable {

    private final Tables tables;
    private final Translator translator;
    private final boolean witnessed;
    private final TableAllocator allocator;
    private final EmptyTables emptyTables;
    private final ShortWays shortWays;
    private final Completions completions;
    private final FreedTables freed;
    private final Tour tour;
    private final Coalesce coalesce;
    private final DirtyBits dirtyBits;
    private final Workspaces workspaces;
    private final RangeCheck check;
    private final PartialUnmap partialUnmap;
    private final CoalescePolicy coalescePolicy;
    private final long pageSizes;
    private final Explainer explainer;

    PageTable(
            Tables tables,
            TableAllocator allocator,
            long pageSizes,
            RangeCheck check,
            DomainOptions options) {
        this.tables = tables;
        this.translator = new Translator(tables, check);
        this.witnessed = tables.isWitnessed();
        this.allocator = allocator;
        this.pageSizes = pageSizes;
        this.check = check;
        this.partialUnmap = options.partialUnmap();
        this.coalescePolicy = options.coalesce();
        this.explainer = new Explainer(tables, check, options);
        this.emptyTables = new EmptyTables(tables, options.emptyTables());
        this.completions = new Completions(tables);
        this.freed = new FreedTables(tables, allocator);
        this.workspaces = new Workspaces(tables, allocator);
        this.shortWays = new ShortWays(tables, check, emptyTables, workspaces);
        this.dirtyBits = new DirtyBits(tables, workspaces, check);
        this.tour = new Tour(tables, emptyTables);
        this.coalesce = new Coalesce(tables);
    }

    /**
     * Makes an empty tree.
     *
     * @param format how the hardware reads the tables
     * @param memory where they are
     * @param allocator gives pages of that memory
     * @param cache writes entries back for hardware that does not snoop
     * @param witness hears what the engine believes
     * @param options address width, page sizes, partial unmap, empty tables; the rest is for others
     * @return the tree
     * @throws IllegalArgumentException if the width or the page sizes do not fit the format
     * @throws UnsupportedFeatureException if the format cannot change page sizes hitlessly
     * @throws TableMemoryExhaustedException if there is no page for the root table, or not as many
     *     neighbouring ones as it takes
     */
    public static PageTable create(
            PageTableFormat format,
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Witness witness,
            DomainOptions options) {
        return NewTree.plant(format, memory, allocator, cache, witness, options);
    }

    /** {@return the physical address of the root table} */
    public long root() {
        return tables.root;
    }

    /** {@return how the hardware reads the tables} */
    public PageTableFormat format() {
        return tables.format;
    }

    /** {@return the width of I/O virtual addresses, in bits} */
    public int addressWidth() {
        return check.addressWidth();
    }

    /** {@return the page sizes in use, in bytes, OR-ed together} */
    public long pageSizes() {
        return pageSizes;
    }

    /**
     * Maps a range, as {@link IommuDomain#map(long, long, long, Access, IotlbGather)}.
     *
     * @param iova first I/O virtual address
     * @param outputAddress what it translates to
     * @param size bytes
     * @param access what devices may do
     * @param gather takes what hardware must forget
     */
    public void map(long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        if (!shortWays.map(iova, outputAddress, size, access)) {
            mapTheLongWay(iova, outputAddress, size, access, gather);
        }
    }

    /** Maps what {@link #shortWays} did not. */
    void mapTheLongWay(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        Workspace space = workspaces.take();
        try {
            if (!mapWith(space, iova, outputAddress, size, access, gather)) {
                throw new MappingConflictException(
                        iova, size, space.mapping.conflict().mapping(tables.format));
            }
        } finally {
            workspaces.giveBack(space);
        }
    }

    /**
     * Maps a range unless something is mapped there, as {@link IommuDomain#tryMap}.
     *
     * @param iova first I/O virtual address
     * @param outputAddress what it translates to
     * @param size bytes
     * @param access what devices may do
     * @param gather takes what hardware must forget
     * @return false if something is mapped there
     */
    public boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        if (shortWays.map(iova, outputAddress, size, access)) {
            return true;
        }
        Workspace space = workspaces.take();
        try {
            return mapWith(space, iova, outputAddress, size, access, gather);
        } finally {
            workspaces.giveBack(space);
        }
    }

    /** What translates, for domains to ask directly. */
    Translator translator() {
        return translator;
    }

    /** What does most calls, for domains to ask first. */
    ShortWays shortWays() {
        return shortWays;
    }

    private boolean mapWith(
            Workspace space,
            long iova,
            long outputAddress,
            long size,
            Access access,
            IotlbGather gather) {
        long small = tables.format.leafBits(access, 0);
        long large = tables.rootLevel == 0 ? small : tables.format.leafBits(access, 1);
        return space.mapping.map(iova, iova + size - 1, outputAddress, small, large, gather);
    }

    /**
     * Unmaps a range, as {@link IommuDomain#unmap(long, long, IotlbGather)}.
     *
     * @param iova first I/O virtual address
     * @param size bytes
     * @param gather takes what hardware must forget, and the tables to free
     * @return how many bytes were mapped and are not any more
     */
    public long unmap(long iova, long size, IotlbGather gather) {
        long bytes = shortWays.unmap(iova, size, gather);
        return bytes >= 0 ? bytes : unmapTheLongWay(iova, size, gather);
    }

    /** Unmaps what {@link #shortWays} did not. */
    long unmapTheLongWay(long iova, long size, IotlbGather gather) {
        Workspace space = workspaces.take();
        try {
            space.change.unmapping(iova, iova + size - 1, partialUnmap);
            if (partialUnmap == PartialUnmap.SPLIT
                    && tables.isInOneTable(iova, size)
                    && SingleTable.split(tables, space, 1, iova, gather)) {
                return size;
            }
            if (!change(space, iova, iova + size - 1, gather)) {
                throw new PartialUnmapException(
                        iova, size, space.change.refused().mapping(tables.format));
            }
            return space.change.bytes();
        } finally {
            workspaces.giveBack(space);
        }
    }

    /**
     * Makes boundaries between leaves, as {@link IommuDomain#cut}.
     *
     * @param iova the first boundary
     * @param size bytes to the second
     * @param gather takes what hardware must forget
     */
    public void cut(long iova, long size, IotlbGather gather) {
        check.range(iova, size);
        Workspace space = workspaces.take();
        try {
            space.change.cutting(iova, iova + size - 1);
            change(space, iova, iova + size - 1, gather);
        } finally {
            workspaces.giveBack(space);
        }
    }

    /**
     * Splits leaves, as {@link IommuDomain#split}.
     *
     * @param iova first I/O virtual address
     * @param size bytes
     * @param pageSize the largest page size that may remain
     * @param gather takes what hardware must forget
     */
    public void split(long iova, long size, long pageSize, IotlbGather gather) {
        check.range(iova, size);
        int level = tables.leaves.of(pageSize);
        Workspace space = workspaces.take();
        try {
            long last = iova + size - 1;
            space.change.splitting(iova, last, level);
            if ((iova ^ last) >>> tables.shift(level + 1) != 0
                    || !SingleTable.split(tables, space, level + 1, iova, gather)) {
                change(space, iova, last, gather);
            }
        } finally {
            workspaces.giveBack(space);
        }
    }

    /**
     * Merges leaves, as {@link IommuDomain#coalesce}.
     *
     * @param iova first I/O virtual address
     * @param size bytes
     * @param gather takes what hardware must forget, and the tables to free
     * @return how many leaves were replaced by larger ones
     */
    public long coalesce(long iova, long size, IotlbGather gather) {
        check.range(iova, size);
        if (coalescePolicy.when() == CoalescePolicy.When.NEVER) {
            throw new UnsupportedFeatureException(
                    Feature.COALESCE, "coalesce in a domain whose policy is never to");
        }
        return coalesce.apply(iova, iova + size - 1, gather);
    }

    private boolean change(Workspace space, long first, long last, IotlbGather gather) {
        boolean done = space.change.apply(first, last, gather);
        for (int i = 0; done && i < space.change.emptiedCount(); i++) {
            emptyTables.add(space.change.emptied(i), gather);
        }
        return done;
    }

    /**
     * Reports what was written and begins anew, as {@link
     * org.iommu4j.api.DirtyTracking#readAndClear}.
     *
     * @param iova first I/O virtual address
     * @param size bytes
     * @param sink receives the ranges
     * @param gather takes what hardware must forget
     */
    public void readAndClear(long iova, long size, DirtySink sink, IotlbGather gather) {
        dirtyBits.readAndClear(iova, size, sink, gather, dirtyBits.tracking());
    }

    /**
     * Translates an address, as {@link IommuDomain#translate}.
     *
     * @param iova an I/O virtual address
     * @return the output address, or {@link IommuDomain#NOT_MAPPED}
     */
    public long translate(long iova) {
        return translator.translate(iova);
    }

    /**
     * Returns the leaf that maps an address, as {@link IommuDomain#mappingAt}.
     *
     * @param iova an I/O virtual address
     * @return the leaf, or empty
     */
    public Optional<Mapping> mappingAt(long iova) {
        LeafReader reader = new LeafReader(tables);
        return check.isInside(iova) && reader.find(iova)
                ? Optional.of(reader.mapping(iova))
                : Optional.empty();
    }

    /**
     * Visits leaves, as {@link IommuDomain#mappings}.
     *
     * @param iova first I/O virtual address
     * @param size bytes
     * @param visitor sees the leaves
     */
    public void mappings(long iova, long size, MappingVisitor visitor) {
        check.range(iova, size);
        new LeafReader(tables).visit(iova, size, visitor);
    }

    /**
     * Unlinks every empty table.
     *
     * @param gather takes the tables
     */
    public void trim(IotlbGather gather) {
        tour.trim(gather);
    }

    /** Has the allocator give the memory behind free pages back. */
    void trimAllocator() {
        allocator.trim();
    }

    /**
     * Unlinks everything, the root too, and closes the tree: every later operation throws {@link
     * IllegalStateException}.
     *
     * @param gather takes the tables
     */
    public void detachAll(IotlbGather gather) {
        if (tables.closeOnce()) {
            long span = tables.span(tables.rootLevel) * tables.entries();
            tables.unmapping(0, span - 1);
            Teardown.seize(tables, tables.root, 0, tables.rootLevel);
            Teardown.takeApart(tables, tables.root, 0, tables.rootLevel, gather);
            new RootPages(tables.root, tables.format.rootPages())
                    .forEachEmpty(page -> Teardown.gone(tables, page, gather));
            tables.unmapped(0, span - 1);
            gather.addRange(0, span, tables.span(0));
            gather.markStructureChanged();
        }
    }

    /**
     * Notes in a gather what its invalidation will come after. The owner calls it just before a
     * flush policy takes the gather.
     *
     * @param gather the gather
     */
    public void handOver(IotlbGather gather) {
        if (witnessed) {
            tables.stripes.handOver(gather);
        }
    }

    /** A flush policy has taken a gather. */
    void handedOver(IotlbGather gather, FlushCompletion completion) {
        if (witnessed) {
            dirtyBits.handedOver(gather, completion);
        }
    }

    /**
     * Hears that the invalidation of a gather has completed, before its pages are released.
     *
     * @param gather the gather, still full
     */
    public void invalidated(IotlbGather gather) {
        completions.completed(gather);
    }

    /**
     * Gives pages back to the allocator that hardware cannot reach any more.
     *
     * @param pages the pages; empty when this returns
     */
    public void release(PageList pages) {
        freed.release(pages);
    }

    /**
     * {@return how many leaves there are of each page size; exact whenever no call is in progress}
     */
    public SortedMap<Long, Long> leaves() {
        return tour.leaves();
    }

    /** {@return how many pages are tables, or were and wait for an invalidation} */
    public long tablePages() {
        return tables.counts.pages();
    }

    /** {@return the most table pages there ever were} */
    public long peakTablePages() {
        return tables.counts.peak();
    }

    /** {@return how many leaves were replaced by a table} */
    public long splits() {
        return tables.counts.splits();
    }

    /** What explains addresses. */
    Explainer explainer() {
        return explainer;
    }

    /** When leaves are merged. */
    CoalescePolicy coalescePolicy() {
        return coalescePolicy;
    }

    /** What merges leaves, whatever the policy. */
    Coalesce merging() {
        return coalesce;
    }

    /** The dirty bits of these tables. */
    DirtyBits dirtyBits() {
        return dirtyBits;
    }

    /** How many tables came and went. */
    long changes() {
        return tables.counts.changes();
    }

    /** {@return how many tables were replaced by a leaf that maps the same} */
    public long coalesces() {
        return tables.counts.coalesces();
    }
}
