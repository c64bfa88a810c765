package org.iommu4j.pagetable;

import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * The pages that an operation took before its first store, so that nothing can fail after it. Used
 * by one thread.
 */
final class Reserve {

    private final TableAllocator allocator;
    private final PageList zeroed = new PageList();
    private final PageList any = new PageList();

    Reserve(TableAllocator allocator) {
        this.allocator = allocator;
    }

    boolean holds(PageNeed need) {
        return zeroed.size() >= need.zeroed() && any.size() >= need.any();
    }

    /**
     * Takes what is missing. The caller holds no guard.
     *
     * @throws TableMemoryExhaustedException if there are too few pages; the reserve is empty then
     */
    void fill(PageNeed need) {
        fill(need, false);
    }

    /**
     * The same, for tables that take the place of leaves.
     *
     * @throws TableMemoryExhaustedException if there are too few pages; the reserve is empty then
     */
    void fillForSplit(PageNeed need) {
        fill(need, true);
    }

    private void fill(PageNeed need, boolean split) {
        long moreZeroed = Math.max(0, need.zeroed() - zeroed.size());
        long moreAny = Math.max(0, need.any() - any.size());
        if (moreZeroed + moreAny > allocator.capacity()
                || (moreZeroed > 0 && !allocator.reserveZeroed((int) moreZeroed, zeroed))
                || (moreAny > 0 && !takeAny((int) moreAny, split))) {
            giveBack();
            throw new TableMemoryExhaustedException(need.zeroed() + need.any(), allocator.free());
        }
    }

    private boolean takeAny(int count, boolean split) {
        return split ? allocator.reserveForSplit(count, any) : allocator.reserve(count, any);
    }

    long takeZeroed() {
        return zeroed.removeLast();
    }

    long takeAny() {
        return any.removeLast();
    }

    void putBack(long page) {
        any.add(page);
    }

    /** Gives back what was not used. The caller holds no guard. */
    void giveBack() {
        if (!zeroed.isEmpty()) {
            allocator.giveBackZeroed(zeroed);
        }
        if (!any.isEmpty()) {
            allocator.giveBack(any);
        }
    }
}
