package org.iommu4j.pagetable;

import java.util.Arrays;
import java.util.function.LongConsumer;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/*
 * Allocators hand out single pages. Neighbours are found by taking more and more until some of them are, and giving the
 * rest back: that any allocator can do, and it happens once a tree. One that hands out fresh pages in order, as the usual
 * one does, has them at once.
 */

/**
 * The pages of a root table: one, or several that are neighbours, of which the first holds what is
 * mapped and the others stay empty.
 *
 * @param first the physical address of the first, aligned to the size of all
 * @param count how many; a power of two
 */
record RootPages(long first, int count) {

    /**
     * Takes zeroed pages.
     *
     * @throws TableMemoryExhaustedException if there are none such; the allocator has them all
     */
    static RootPages take(TableAllocator allocator, int count) {
        long first = count == 1 ? allocator.take() : takeNeighbours(allocator, count);
        if (first < 0) {
            throw new TableMemoryExhaustedException(count, allocator.free());
        }
        return new RootPages(first, count);
    }

    private static long takeNeighbours(TableAllocator allocator, int count) {
        PageList taken = new PageList();
        int more = count;
        while (more > 0) {
            if (!allocator.reserveZeroed(more, taken)) {
                more /= 2;
                continue;
            }
            long first = neighbours(taken, count);
            if (first >= 0) {
                giveBackOthers(allocator, taken, new RootPages(first, count));
                return first;
            }
            more = taken.size();
        }
        allocator.giveBackZeroed(taken);
        return -1;
    }

    private static long neighbours(PageList taken, int count) {
        long[] pages = new long[taken.size()];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = taken.get(i);
        }
        Arrays.sort(pages);
        long bytes = new RootPages(0, count).bytes();
        for (int i = 0; i + count <= pages.length; i++) {
            boolean aligned = (pages[i] & bytes - 1) == 0;
            if (aligned && pages[i + count - 1] - pages[i] == bytes - PhysicalMemory.PAGE_SIZE) {
                return pages[i];
            }
        }
        return -1;
    }

    private static void giveBackOthers(TableAllocator allocator, PageList taken, RootPages kept) {
        PageList others = new PageList();
        while (!taken.isEmpty()) {
            long page = taken.removeLast();
            if (page < kept.first || page >= kept.first + kept.bytes()) {
                others.add(page);
            }
        }
        allocator.giveBackZeroed(others);
    }

    /** The size of all of them. */
    long bytes() {
        return (long) count * PhysicalMemory.PAGE_SIZE;
    }

    void forEach(LongConsumer action) {
        action.accept(first);
        forEachEmpty(action);
    }

    /** All but the first. */
    void forEachEmpty(LongConsumer action) {
        for (int i = 1; i < count; i++) {
            action.accept(first + (long) i * PhysicalMemory.PAGE_SIZE);
        }
    }

    void give(TableAllocator allocator) {
        forEach(allocator::give);
    }
}
