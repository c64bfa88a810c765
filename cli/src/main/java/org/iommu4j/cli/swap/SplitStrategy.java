package org.iommu4j.cli.swap;

import java.util.Locale;
import java.util.Optional;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Mapping;
import org.iommu4j.cli.vm.GuestMemory;

/** How 4 KiB are taken out of a large page. */
public enum SplitStrategy {
    /** By unmapping them: the rest of the large page stays mapped at every instant. */
    HITLESS {
        @Override
        void take(IommuDomain domain, long iova) {
            domain.unmap(iova, GuestMemory.PAGE_SIZE);
        }
    },

    /**
     * By unmapping the whole large page and mapping the rest of it again, as software must whose
     * page tables cannot be split.
     */
    UNMAP_MAP {
        @Override
        void take(IommuDomain domain, long iova) {
            Optional<Mapping> leaf = domain.mappingAt(iova);
            if (leaf.isEmpty() || leaf.get().size() == GuestMemory.PAGE_SIZE) {
                domain.unmap(iova, GuestMemory.PAGE_SIZE);
                return;
            }
            Mapping large = leaf.get();
            long before = iova - large.iova();
            long after = large.size() - before - GuestMemory.PAGE_SIZE;
            domain.unmap(large.iova(), large.size());
            if (before > 0) {
                domain.map(large.iova(), large.outputAddress(), before, Access.READ_WRITE);
            }
            if (after > 0) {
                long next = iova + GuestMemory.PAGE_SIZE;
                domain.map(
                        next,
                        large.outputAddress() + (next - large.iova()),
                        after,
                        Access.READ_WRITE);
            }
        }
    };

    /**
     * Unmaps a page and waits until no device can reach it.
     *
     * @param domain where it is mapped
     * @param iova its I/O virtual address
     */
    abstract void take(IommuDomain domain, long iova);

    /** How users write it: {@code unmap-map}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
