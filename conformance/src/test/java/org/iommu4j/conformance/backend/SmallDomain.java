package org.iommu4j.conformance.backend;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.api.MappingVisitor;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * A domain of the small backend. Splits may go on side by side; everything else has the tables to
 * itself.
 */
final class SmallDomain implements IommuDomain, IotlbGather.Owner {

    private final SmallTables tables;
    private final SmallPages pages;
    private final SmallPending pending;
    private final SmallCuts cuts;
    private final FlushPolicy policy;
    private final PartialUnmap partial;
    private final int width;
    private final long outputEnd;
    private final long sizes;
    private final ReadWriteLock guard = new ReentrantReadWriteLock();
    private final List<Mapping> dirtyAndGone = new ArrayList<>();
    private boolean tracking;
    private boolean closed;
    private long coalesces;

    SmallDomain(
            SmallTables tables,
            TableAllocator allocator,
            FlushPolicy policy,
            DomainOptions options,
            int hostWidth) {
        this.tables = tables;
        this.pages = new SmallPages(allocator);
        this.pending = new SmallPending(tables);
        this.cuts = new SmallCuts(tables, pages, pending, options.addressWidth());
        this.policy = policy;
        this.partial =
                tables.has(Flaw.N_PARTIAL_UNMAP_CANNOT_BE_ASKED_FOR)
                        ? PartialUnmap.SPLIT
                        : options.partialUnmap();
        this.width = options.addressWidth();
        this.outputEnd = 1L << hostWidth;
        long all = tables.format.pageSizes();
        this.sizes = options.pageSizes() == 0 ? all : options.pageSizes();
    }

    private boolean has(Flaw flaw) {
        return tables.has(flaw);
    }

    SmallTables tables() {
        return tables;
    }

    private <T> T alone(Supplier<T> work) {
        return guarded(guard.writeLock(), work);
    }

    private <T> T guarded(Lock lock, Supplier<T> work) {
        if (has(Flaw.P_ANOTHERS_TABLE_IS_USED_BEFORE_ITS_LINK_IS_WRITTEN_BACK)) {
            return work.get();
        }
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    private void check(long iova, long size) {
        if (closed) {
            throw new IllegalStateException("the domain is closed");
        }
        long page = tables.span(0);
        if (size <= 0
                || ((iova | size) & page - 1) != 0
                || iova < 0
                || iova > (1L << width) - size) {
            throw new IllegalArgumentException(
                    Long.toHexString(size) + " bytes at 0x" + Long.toHexString(iova));
        }
    }

    private void mine(IotlbGather gather) {
        if (!gather.owner().equals(this)) {
            throw new IllegalArgumentException("the gather belongs to another domain");
        }
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access) {
        IotlbGather gather = gather();
        map(iova, outputAddress, size, access, gather);
        if (!gather.isEmpty()) {
            sync(gather).await();
        }
    }

    @Override
    public void map(long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        if (!tryMap(iova, outputAddress, size, access, gather)) {
            Mapping first = firstIn(iova, size).orElseThrow();
            throw new MappingConflictException(iova, size, first);
        }
    }

    @Override
    public boolean tryMap(
            long iova, long outputAddress, long size, Access access, IotlbGather gather) {
        mine(gather);
        check(iova, size);
        if ((outputAddress & tables.span(0) - 1) != 0
                || outputAddress < 0
                || outputAddress > outputEnd - size) {
            throw new IllegalArgumentException("output 0x" + Long.toHexString(outputAddress));
        }
        tables.format.leafBits(access, 0);
        tables.format.leafBits(access, 1);
        return alone(() -> {
            if (firstIn(iova, size).isPresent()) {
                return false;
            }
            Deque<Long> taken = new ArrayDeque<>();
            Set<Long> counted = new HashSet<>();
            int needed = 0;
            for (long at = 0;
                    at < size;
                    at += tables.leafSize(iova + at, outputAddress + at, size - at, sizes)) {
                int level =
                        tables.level(
                                tables.leafSize(iova + at, outputAddress + at, size - at, sizes));
                needed += tables.missing(iova + at, level, counted);
            }
            pages.reserve(needed, taken);
            for (long at = 0; at < size; ) {
                long leaf = tables.leafSize(iova + at, outputAddress + at, size - at, sizes);
                int level = tables.level(leaf);
                long bits = tables.format.leafBits(access, level);
                long address = outputAddress + at >>> tables.format.addressShift();
                tables.plant(iova + at, address | bits, level, taken);
                at += leaf;
            }
            pending.into(gather, iova, size);
            return true;
        });
    }

    @Override
    public long unmap(long iova, long size) {
        IotlbGather gather = gather();
        long bytes = unmap(iova, size, gather);
        if (!gather.isEmpty()) {
            sync(gather).await();
        }
        return bytes;
    }

    @Override
    public long unmap(long iova, long size, IotlbGather gather) {
        mine(gather);
        check(iova, size);
        long[] range = {iova, iova + size};
        while (true) {
            if (!cutEnds(range, gather)) {
                return size;
            }
            Optional<Long> bytes =
                    alone(() ->
                            straddled(range[0]).or(() -> straddled(range[1])).isPresent()
                                            && !has(Flaw.B_THE_LENGTH_DECIDES_ABOUT_A_SPLIT)
                                    ? Optional.empty()
                                    : Optional.of(remove(range[0], range[1], gather)));
            if (bytes.isPresent()) {
                return bytes.get();
            }
        }
    }

    /** Deals with leaves that a range covers in part; false: an error was dropped. */
    private boolean cutEnds(long[] range, IotlbGather gather) {
        Optional<Mapping> leaf = straddled(range[0]).or(() -> straddled(range[1]));
        if (leaf.isEmpty()) {
            return true;
        }
        switch (partial) {
            case REJECT ->
                    throw new PartialUnmapException(range[0], range[1] - range[0], leaf.get());
            case WIDEN -> {
                straddled(range[0]).ifPresent(first -> range[0] = first.iova());
                straddled(range[1]).ifPresent(last -> range[1] = last.iova() + last.size());
            }
            case SPLIT -> {
                boolean asLong = leaf.get().size() <= range[1] - range[0];
                if (!asLong || !has(Flaw.B_THE_LENGTH_DECIDES_ABOUT_A_SPLIT)) {
                    return cutOrFail(range, gather);
                }
            }
        }
        return true;
    }

    private boolean cutOrFail(long[] range, IotlbGather gather) {
        try {
            if (has(Flaw.E_AN_ERROR_MIDWAY_LEAVES_HALF_AN_UNMAP)) {
                cutAt(new long[] {range[0]}, tables.span(0), gather);
                long middle = (range[0] & -tables.span(1)) + tables.span(1);
                alone(() -> remove(range[0], Math.min(middle, range[1]), gather));
            }
            cutAt(range, tables.span(0), gather);
            return true;
        } catch (TableMemoryExhaustedException e) {
            if (has(Flaw.G_THE_ERROR_OF_A_NESTED_LEVEL_IS_DROPPED)) {
                return false;
            }
            throw e;
        }
    }

    private Optional<Mapping> straddled(long boundary) {
        return mappingAt(boundary).filter(leaf -> leaf.iova() != boundary);
    }

    private long remove(long from, long to, IotlbGather gather) {
        rememberDirty(from, to);
        if (has(Flaw.B_THE_LENGTH_DECIDES_ABOUT_A_SPLIT)) {
            removeStraddling(from, to);
        }
        long bytes = tables.clear(tables.root, tables.top(), 0, from, to);
        if (bytes > 0) {
            tables.note(gather, from, to - from, false);
        }
        pending.into(gather, from, to - from);
        if (!has(Flaw.M_TABLES_ARE_NEVER_RECLAIMED)) {
            tables.reclaim(
                    tables.root,
                    tables.top(),
                    0,
                    from,
                    to,
                    (page, iova, size) -> {
                        tables.note(gather, iova, size, true);
                        pending.add(iova, size);
                        release(page, gather, Flaw.PAGES_COME_BACK_AT_ONCE);
                    });
        }
        return bytes;
    }

    /** Takes the leaves whole that a range covers in part. */
    private void removeStraddling(long from, long to) {
        straddled(from).ifPresent(leaf -> tables.store(tables.find(leaf.iova()).address(), 0));
        straddled(to).ifPresent(leaf -> tables.store(tables.find(leaf.iova()).address(), 0));
    }

    private void release(long page, IotlbGather gather, Flaw atOnce) {
        if (has(atOnce)) {
            pages.giveBack(new ArrayDeque<>(List.of(page)));
        } else {
            gather.addTable(page);
        }
    }

    /** Makes every leaf that a boundary lies in smaller, down to a size. */
    private void cutAt(long[] boundaries, long smallest, IotlbGather gather) {
        Deque<Long> taken = new ArrayDeque<>();
        guarded(
                guard.readLock(),
                () -> {
                    boolean late = has(Flaw.L_THE_SECOND_TABLE_IS_TAKEN_LATE);
                    if (!late) {
                        pages.reserve(cuts.needed(boundaries, smallest), taken);
                    }
                    for (long boundary : boundaries) {
                        cuts.cut(boundary, smallest, taken, gather);
                    }
                    return true;
                });
        if (!has(Flaw.THE_LOSERS_TABLE_LEAKS)) {
            pages.giveBack(taken);
        }
    }

    @Override
    public void cut(long iova, long size, IotlbGather gather) {
        mine(gather);
        check(iova, size);
        cutAt(new long[] {iova, iova + size}, tables.span(0), gather);
    }

    @Override
    public void split(long iova, long size, long pageSize, IotlbGather gather) {
        mine(gather);
        check(iova, size);
        if (Long.bitCount(pageSize) != 1 || (tables.format.pageSizes() & pageSize) == 0) {
            throw new IllegalArgumentException("page size 0x" + Long.toHexString(pageSize));
        }
        alone(() -> {
            for (long at = iova; at < iova + size; ) {
                SmallTables.Slot slot = tables.find(at);
                boolean tooLarge =
                        tables.format.isPresent(slot.entry())
                                && tables.span(slot.level()) > pageSize;
                if (tooLarge) {
                    cuts.split(slot, at, new ArrayDeque<>(), gather);
                } else {
                    at = (at & -tables.span(slot.level())) + tables.span(slot.level());
                }
            }
            return true;
        });
    }

    @Override
    public long coalesce(long iova, long size, IotlbGather gather) {
        mine(gather);
        check(iova, size);
        SmallMerge merge =
                new SmallMerge(
                        tables,
                        (page, at, bytes) -> {
                            tables.note(gather, at, bytes, true);
                            pending.add(at, bytes);
                            release(page, gather, Flaw.COALESCE_FREES_AT_ONCE);
                        });
        Lock none = new ReentrantReadWriteLock().writeLock();
        boolean free = has(Flaw.COALESCE_COUNTS_AND_STAYS_UNGUARDED);
        return guarded(
                free ? none : guard.writeLock(),
                () -> {
                    long merged = merge.below(tables.root, tables.top(), 0, iova, iova + size);
                    coalesces += merged;
                    return merged;
                });
    }

    @Override
    public long translate(long iova) {
        return mappingAt(iova)
                .map(leaf -> leaf.outputAddress() + (iova - leaf.iova()))
                .orElse(NOT_MAPPED);
    }

    private SmallTables.Slot slotAt(long iova) {
        return guarded(guard.readLock(), () -> tables.find(iova));
    }

    @Override
    public Optional<Mapping> mappingAt(long iova) {
        return iova < 0 || iova >>> width != 0
                ? Optional.empty()
                : tables.mapping(slotAt(iova), iova);
    }

    @Override
    public void mappings(long iova, long size, MappingVisitor visitor) {
        check(iova, size);
        for (long at = iova; at < iova + size; ) {
            SmallTables.Slot slot = slotAt(at);
            Optional<Mapping> leaf = tables.mapping(slot, at);
            if (leaf.isPresent()
                    && !visitor.leaf(
                            leaf.get().iova(),
                            leaf.get().outputAddress(),
                            leaf.get().size(),
                            leaf.get().access())) {
                return;
            }
            long span = tables.span(slot.level());
            at = (at & -span) + span;
        }
    }

    private Optional<Mapping> firstIn(long iova, long size) {
        List<Mapping> found = new ArrayList<>();
        mappings(
                iova,
                size,
                (at, output, bytes, access) -> {
                    found.add(new Mapping(at, output, bytes, access));
                    return false;
                });
        return found.stream().findFirst();
    }

    @Override
    public IotlbGather gather() {
        return new IotlbGather(this);
    }

    @Override
    public FlushCompletion sync(IotlbGather gather) {
        mine(gather);
        return policy.sync(1, gather);
    }

    @Override
    public void invalidated(IotlbGather gather) {
        pending.forget(gather);
    }

    @Override
    public void release(PageList list) {
        pages.giveBack(list);
    }

    @Override
    public DirtyTracking trackDirty(DirtyOptions options) {
        IotlbGather gather = gather();
        if (!has(Flaw.DIRTY_GRANULARITY_IS_THE_LEAFS)) {
            split(0, 1L << width, options.granularity(), gather);
        }
        alone(() -> tracking = true);
        sync(gather).await();
        return new SmallTracking(this, dirtyAndGone);
    }

    private void rememberDirty(long from, long to) {
        if (tracking && !has(Flaw.DIRTY_IS_LOST_WITH_ITS_MAPPING)) {
            mappings(
                    from,
                    to - from,
                    (iova, output, size, access) -> {
                        boolean dirty =
                                (tables.find(iova).entry() & tables.format.dirtyMask()) != 0;
                        return dirty
                                ? dirtyAndGone.add(new Mapping(iova, output, size, access))
                                : true;
                    });
        }
    }

    @Override
    public DomainStatistics statistics() {
        SortedMap<Long, Long> leaves = new TreeMap<>();
        if (!closed) {
            mappings(
                    0,
                    1L << width,
                    (iova, output, size, access) -> {
                        leaves.merge(size, 1L, Long::sum);
                        return true;
                    });
        }
        return new DomainStatistics(
                leaves,
                pages.held(),
                pages.peak(),
                cuts.splits(),
                coalesces,
                new DomainStatistics.Invalidations(0, 0, 0));
    }

    @Override
    public void trim() {}

    @Override
    public void close() {
        if (closed) {
            return;
        }
        unmap(0, 1L << width);
        closed = true;
        IotlbGather gather = gather();
        tables.note(gather, 0, 1L << width, true);
        tables.pages(tables.root, tables.top()).forEach(gather::addTable);
        sync(gather).await();
    }
}
