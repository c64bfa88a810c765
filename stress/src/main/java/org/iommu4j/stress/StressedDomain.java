package org.iommu4j.stress;

import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.pagetable.PageTableDomain;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.TableAllocator;

/**
 * A domain on the engine, whose unit answers at once and keeps in its cache no more than one large
 * leaf, until an invalidation covers that.
 */
final class StressedDomain extends PageTableDomain {

    private final PageTable table;
    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final Gathers gathers;
    private final long unused;
    /* No stronger than a unit that is asked by a store and answers by one: the engine must not live on fences of ours. */
    private final AtomicBoolean largeLeafCached = new AtomicBoolean();

    private StressedDomain(PageTable table, PhysicalMemory memory, TableAllocator allocator) {
        super(table);
        this.table = table;
        this.memory = memory;
        this.allocator = allocator;
        this.gathers = new Gathers(gather(), gather());
        this.unused = allocator.free();
    }

    /** A domain whose tables lie in this memory, with pages of this allocator. */
    static StressedDomain open(
            PageTableFormat format,
            PhysicalMemory memory,
            TableAllocator allocator,
            DomainOptions options) {
        return new StressedDomain(
                PageTable.create(
                        format, memory, allocator, new NoWriteBack(), Witness.NONE, options),
                memory,
                allocator);
    }

    /** The engine itself. */
    PageTable engine() {
        return table;
    }

    /** The gathers of those who use it, one trial after the other. */
    Gathers gathers() {
        return gathers;
    }

    PhysicalMemory memory() {
        return memory;
    }

    TableAllocator allocator() {
        return allocator;
    }

    /**
     * The unit has the leaf of 2 MiB at {@link Trial#LEAF} in its cache, whatever becomes of it.
     */
    void cacheLargeLeaf() {
        largeLeafCached.setRelease(true);
    }

    /** Whether the unit would use that leaf for a DMA. */
    boolean cachesLargeLeaf() {
        return largeLeafCached.getAcquire();
    }

    /** Whether there is no table but the root, and every other page is back with the allocator. */
    boolean isAsNew() {
        return table.tablePages() == 1 && allocator.free() == unused;
    }

    @Override
    protected FlushCompletion flush(IotlbGather gather) {
        if (Trial.coversLeaf(gather)) {
            largeLeafCached.setRelease(false);
        }
        gather.completed();
        return FlushCompletion.DONE;
    }

    @Override
    protected DomainStatistics.Invalidations invalidations() {
        return new DomainStatistics.Invalidations(0, 0, 0);
    }

    /** For a unit that snoops. */
    private static final class NoWriteBack implements CacheFlusher {

        @Override
        public boolean isNeeded() {
            return false;
        }

        @Override
        public void written(long address, long bytes) {}

        @Override
        public void fence() {}
    }
}
