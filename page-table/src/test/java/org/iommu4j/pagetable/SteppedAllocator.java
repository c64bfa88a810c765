package org.iommu4j.pagetable;

import java.util.function.LongConsumer;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/** An allocator whose calls are steps of an {@link Interleaver}. */
final class SteppedAllocator implements TableAllocator {

    private final TestAllocator pages;
    private final Interleaver interleaver;
    private final LongConsumer beforeBack;

    /**
     * Puts steps before the calls of an allocator.
     *
     * @param beforeBack sees each page that is given back
     */
    SteppedAllocator(TestAllocator pages, Interleaver interleaver, LongConsumer beforeBack) {
        this.pages = pages;
        this.interleaver = interleaver;
        this.beforeBack = beforeBack;
    }

    @Override
    public long take() {
        announce();
        return pages.take();
    }

    @Override
    public void give(long page) {
        announce();
        beforeBack.accept(page);
        pages.give(page);
    }

    @Override
    public boolean reserve(int count, PageList list) {
        announce();
        return pages.reserve(count, list);
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        announce();
        return pages.reserveZeroed(count, list);
    }

    @Override
    public void giveBack(PageList list) {
        back(list);
        pages.giveBack(list);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        back(list);
        pages.giveBackZeroed(list);
    }

    private void back(PageList list) {
        announce();
        for (int i = 0; i < list.size(); i++) {
            beforeBack.accept(list.get(i));
        }
    }

    private void announce() {
        interleaver.requireNoGuard("calls the allocator");
        interleaver.announce(true);
    }

    @Override
    public long capacity() {
        return pages.capacity();
    }

    @Override
    public long free() {
        return pages.free();
    }
}
