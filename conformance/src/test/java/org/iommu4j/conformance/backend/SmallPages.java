package org.iommu4j.conformance.backend;

import java.util.Deque;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/** The table pages of one small domain, and how many it has; the root is one of them. */
final class SmallPages {

    private final TableAllocator allocator;
    private long held = 1;
    private long peak = 1;

    SmallPages(TableAllocator allocator) {
        this.allocator = allocator;
    }

    synchronized void reserve(int count, Deque<Long> pages) {
        PageList list = new PageList();
        if (count > 0 && !allocator.reserveForSplit(count, list)) {
            throw new TableMemoryExhaustedException(count, allocator.free());
        }
        held += count;
        peak = Math.max(peak, held);
        while (!list.isEmpty()) {
            pages.add(list.removeLast());
        }
    }

    synchronized void giveBack(Deque<Long> pages) {
        held -= pages.size();
        while (!pages.isEmpty()) {
            allocator.give(pages.remove());
        }
    }

    synchronized void giveBack(PageList pages) {
        held -= pages.size();
        allocator.giveBack(pages);
    }

    synchronized long held() {
        return held;
    }

    synchronized long peak() {
        return peak;
    }
}
