package org.iommu4j.conformance;

import java.util.HashSet;
import java.util.Set;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * Knows every page that was taken from another allocator and has not come back, and refuses one
 * that comes back without having been taken. For tests; any thread may use it.
 */
public final class CountingAllocator implements TableAllocator {

    private final TableAllocator inner;
    private final Set<Long> out = new HashSet<>();
    private long taken;
    private long most;

    /**
     * Makes a counting allocator.
     *
     * @param inner gives the pages
     */
    public CountingAllocator(TableAllocator inner) {
        this.inner = inner;
    }

    /** {@return how many pages were ever taken} */
    public synchronized long taken() {
        return taken;
    }

    /** {@return how many pages have not come back} */
    public synchronized int outstanding() {
        return out.size();
    }

    /** {@return the most pages that were ever outstanding} */
    public synchronized long mostOutstanding() {
        return most;
    }

    @Override
    public synchronized long take() {
        long page = inner.take();
        if (page >= 0) {
            lent(page);
        }
        return page;
    }

    @Override
    public synchronized void give(long page) {
        returned(page);
        inner.give(page);
    }

    @Override
    public synchronized boolean reserve(int count, PageList list) {
        return inner.reserve(count, list) && lent(count, list);
    }

    @Override
    public synchronized boolean reserveForSplit(int count, PageList list) {
        return inner.reserveForSplit(count, list) && lent(count, list);
    }

    @Override
    public synchronized boolean reserveZeroed(int count, PageList list) {
        return inner.reserveZeroed(count, list) && lent(count, list);
    }

    @Override
    public synchronized void giveBack(PageList list) {
        returned(list);
        inner.giveBack(list);
    }

    @Override
    public synchronized void giveBackZeroed(PageList list) {
        returned(list);
        inner.giveBackZeroed(list);
    }

    @Override
    public long capacity() {
        return inner.capacity();
    }

    @Override
    public synchronized long free() {
        return inner.free();
    }

    @Override
    public synchronized long trim() {
        return inner.trim();
    }

    @Override
    public synchronized void close() {
        inner.close();
    }

    private boolean lent(int count, PageList list) {
        for (int i = list.size() - count; i < list.size(); i++) {
            lent(list.get(i));
        }
        return true;
    }

    private void lent(long page) {
        if (!out.add(page)) {
            throw new IllegalStateException(
                    "page 0x" + Long.toHexString(page) + " was lent, and is lent again");
        }
        taken++;
        most = Math.max(most, out.size());
    }

    private void returned(PageList list) {
        for (int i = 0; i < list.size(); i++) {
            returned(list.get(i));
        }
    }

    private void returned(long page) {
        if (!out.remove(page)) {
            throw new IllegalStateException(
                    "page 0x" + Long.toHexString(page) + " came back without having been lent");
        }
    }
}
