package org.iommu4j.conformance;

import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * Refuses one reservation of another allocator's pages, as if there were none. For tests; any
 * thread may use it.
 */
public final class FailingAllocator implements TableAllocator {

    private final TableAllocator inner;
    private final AtomicLong left;

    /**
     * Makes a failing allocator.
     *
     * @param inner gives the pages
     * @param nth which call that takes pages is refused, from 1; 0 for none
     */
    public FailingAllocator(TableAllocator inner, long nth) {
        this.inner = inner;
        this.left = new AtomicLong(nth);
    }

    /** {@return true once a reservation was refused on purpose} */
    public boolean hasFailed() {
        return left.get() < 0;
    }

    @Override
    public long take() {
        return fails() ? -1 : inner.take();
    }

    @Override
    public void give(long page) {
        inner.give(page);
    }

    @Override
    public boolean reserve(int count, PageList list) {
        return !fails() && inner.reserve(count, list);
    }

    @Override
    public boolean reserveForSplit(int count, PageList list) {
        return !fails() && inner.reserveForSplit(count, list);
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        return !fails() && inner.reserveZeroed(count, list);
    }

    @Override
    public void giveBack(PageList list) {
        inner.giveBack(list);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        inner.giveBackZeroed(list);
    }

    @Override
    public long capacity() {
        return inner.capacity();
    }

    @Override
    public long free() {
        return inner.free();
    }

    @Override
    public long trim() {
        return inner.trim();
    }

    @Override
    public void close() {
        inner.close();
    }

    /* 0: never; 1: this one; then below 0, and done. */
    private boolean fails() {
        return left.getAndUpdate(n -> n == 0 || n == -1 ? n : n == 1 ? -1 : n - 1) == 1;
    }
}
