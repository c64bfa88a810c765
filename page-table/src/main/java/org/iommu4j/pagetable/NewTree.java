package org.iommu4j.pagetable;

import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.SizeChange;
import org.iommu4j.walker.TableAllocator;

/** Checks what a tree is to be made of, and makes its root table. */
final class NewTree {

    private NewTree() {}

    /** Makes an empty tree, as {@link PageTable#create}. */
    static PageTable plant(
            PageTableFormat format,
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Witness witness,
            DomainOptions options) {
        if (format.sizeChange() != SizeChange.HITLESS) {
            throw new UnsupportedFeatureException(
                    Feature.HITLESS_SPLIT,
                    "tables of the format " + format.name() + ", which are break-before-make");
        }
        long pageSizes = RangeCheck.pageSizes(format, options);
        RangeCheck check = RangeCheck.of(format, options);
        RootPages pages = RootPages.take(allocator, format.rootPages());
        try {
            TableCounts counts = new TableCounts(pages);
            Tables tables =
                    new Tables(format, memory, cache, witness, pageSizes, pages.first(), counts);
            PageTable tree = new PageTable(tables, allocator, pageSizes, check, options);
            root(tables, pages);
            return tree;
        } catch (RuntimeException e) {
            pages.give(allocator);
            throw e;
        }
    }

    private static void root(Tables tables, RootPages pages) {
        if (tables.writesBack) {
            tables.cache.written(tables.root, pages.bytes());
            tables.settle();
        }
        pages.forEach(page -> tables.witness.tableLinked(tables.root, page));
        long identity = tables.guards.identity(0, tables.rootLevel);
        tables.guards.unlock(tables.root, Guards.word(identity, 0));
    }
}
