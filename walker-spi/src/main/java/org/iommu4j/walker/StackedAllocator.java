package org.iommu4j.walker;

import org.iommu4j.machine.PageList;

/**
 * An allocator over one that was made for it alone: whoever closes this one closes both, the upper
 * one first, so that nothing stays behind in the lower one.
 *
 * @param upper what is used
 * @param lower what gives it pages, and nobody else any
 */
record StackedAllocator(TableAllocator upper, TableAllocator lower) implements TableAllocator {

    @Override
    public long take() {
        return upper.take();
    }

    @Override
    public void give(long page) {
        upper.give(page);
    }

    @Override
    public boolean reserve(int count, PageList list) {
        return upper.reserve(count, list);
    }

    @Override
    public boolean reserveForSplit(int count, PageList list) {
        return upper.reserveForSplit(count, list);
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        return upper.reserveZeroed(count, list);
    }

    @Override
    public void giveBack(PageList list) {
        upper.giveBack(list);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        upper.giveBackZeroed(list);
    }

    @Override
    public long capacity() {
        return upper.capacity();
    }

    @Override
    public long free() {
        return upper.free();
    }

    @Override
    public long trim() {
        return upper.trim();
    }

    @Override
    public void close() {
        upper.close();
        lower.close();
    }
}
