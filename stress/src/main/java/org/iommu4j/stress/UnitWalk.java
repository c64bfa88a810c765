package org.iommu4j.stress;

import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.TableWalk;

/**
 * A unit that walks the tables as they are in memory: it takes no part in any locking, and sets
 * accessed and dirty bits by an exchange of the leaf, as hardware does. Used by one thread.
 */
final class UnitWalk {

    private final StressedDomain domain;
    private final TableWalk walk;

    UnitWalk(StressedDomain domain) {
        this.domain = domain;
        this.walk = new TableWalk(domain.engine().format(), domain.memory());
    }

    /** What a walk finds at an address. */
    long translate(long iova) {
        return walk.to(domain.engine().root(), iova) ? walk.output(iova) : IommuDomain.NOT_MAPPED;
    }

    /**
     * A device writes: the leaf gets its bits, after another walk if it has changed since it was
     * read.
     *
     * @return where the write went
     */
    long write(long iova) {
        PageTableFormat format = domain.engine().format();
        PhysicalMemory memory = domain.memory();
        while (walk.to(domain.engine().root(), iova)) {
            long leaf = walk.entry();
            long marked = leaf | format.accessedMask() | format.dirtyMask();
            if (memory.compareAndExchange(walk.entryAddress(), leaf, marked) == leaf) {
                return walk.output(iova);
            }
        }
        return IommuDomain.NOT_MAPPED;
    }

    /** Whether the leaf of an address, which is mapped, is dirty. */
    boolean isDirty(long iova) {
        return walk.to(domain.engine().root(), iova)
                && (walk.entry() & domain.engine().format().dirtyMask()) != 0;
    }
}
