package org.iommu4j.pagetable;

import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * The pages that an operation took before its first store, so that nothing can fail after it. Used
 * by one thread.
 */
final class Reserve {

    /* For more than this, looking twice is nothing beside building them. */
    private static final int MOST_EXPECTED = 16;

    private final TableAllocator allocator;
    private final PageList zeroed = new PageList();
    private final PageList any = new PageList();
    private long expectedZeroed;
    private long expectedAny;
    private boolean refused;

    Reserve(TableAllocator allocator) {
        this.allocator = allocator;
    }

    boolean holds(PageNeed need) {
        return zeroed.size() >= need.zeroed() && any.size() >= need.any();
    }

    /**
     * Takes what an operation will probably need, so that it need not look twice. The caller holds
     * no guard. If there are too few pages, {@link #fill} says so when they really are needed.
     */
    void expect(PageNeed need) {
        expect(need, false);
    }

    /** The same, for tables that take the place of leaves. */
    void expectForSplit(PageNeed need) {
        expect(need, true);
    }

    private void expect(PageNeed need, boolean split) {
        long moreZeroed = need.zeroed() - zeroed.size();
        long moreAny = need.any() - any.size();
        if (moreZeroed + moreAny <= MOST_EXPECTED) {
            expectedZeroed = need.zeroed();
            expectedAny = need.any();
            refused =
                    (moreZeroed > 0 && !allocator.reserveZeroed((int) moreZeroed, zeroed))
                            || (moreAny > 0 && !takeAny((int) moreAny, split));
        }
    }

    /**
     * Takes one zeroed page, which the caller uses or {@linkplain #putBack puts back}. The caller
     * holds no guard.
     *
     * @throws TableMemoryExhaustedException if there is none
     */
    long oneZeroed() {
        long page = allocator.take();
        require(page >= 0);
        return page;
    }

    /**
     * Takes one page for a table that is written wholly, which the caller uses or {@linkplain
     * #putBack puts back}. The caller holds no guard.
     *
     * @throws TableMemoryExhaustedException if there is none
     */
    long one() {
        require(allocator.reserve(1, any));
        return any.removeLast();
    }

    /**
     * The same, for a table that takes the place of a leaf.
     *
     * @throws TableMemoryExhaustedException if there is none
     */
    void requireForSplit() {
        require(allocator.reserveForSplit(1, any));
    }

    private void require(boolean granted) {
        if (!granted) {
            throw new TableMemoryExhaustedException(1, allocator.free());
        }
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
        if (wasRefused(need)
                || moreZeroed + moreAny > allocator.capacity()
                || (moreZeroed > 0 && !allocator.reserveZeroed((int) moreZeroed, zeroed))
                || (moreAny > 0 && !takeAny((int) moreAny, split))) {
            giveBack();
            throw new TableMemoryExhaustedException(need.zeroed() + need.any(), allocator.free());
        }
    }

    /** One request that failed is as good as two. */
    private boolean wasRefused(PageNeed need) {
        return refused && need.zeroed() >= expectedZeroed && need.any() >= expectedAny;
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

    void putBack(long page, boolean isZeroed) {
        (isZeroed ? zeroed : any).add(page);
    }

    /** Gives back what was not used. The caller holds no guard. */
    void giveBack() {
        refused = false;
        if (!zeroed.isEmpty()) {
            allocator.giveBackZeroed(zeroed);
        }
        if (!any.isEmpty()) {
            allocator.giveBack(any);
        }
    }
}
