package org.iommu4j.walker.limit;

import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/**
 * Keeps pages of another allocator back, for splits: they go on until these are gone too, and the
 * first pages that come back fill the reserve again.
 *
 * <p>While the reserve is full, calls go straight to the other allocator; its locks are taken
 * inside of this one's monitor, never the other way round.
 */
final class ReserveAllocator implements TableAllocator {

    private final TableAllocator shared;
    private final PageList kept = new PageList();
    private int wanted;
    private volatile boolean full;

    /**
     * Takes the pages to keep.
     *
     * @throws IllegalArgumentException if there are not as many
     */
    ReserveAllocator(TableAllocator shared, int wanted) {
        this.shared = shared;
        this.wanted = wanted;
        this.full = true;
        if (!shared.reserve(wanted, kept)) {
            throw new IllegalArgumentException(
                    "a reserve of "
                            + wanted
                            + " pages, where "
                            + shared.free()
                            + " are free; as many at most are legal");
        }
    }

    @Override
    public long take() {
        return shared.take();
    }

    @Override
    public void give(long page) {
        if (full || !keep(page)) {
            shared.give(page);
        }
    }

    @Override
    public boolean reserve(int count, PageList list) {
        return shared.reserve(count, list);
    }

    @Override
    public boolean reserveForSplit(int count, PageList list) {
        return shared.reserveForSplit(count, list) || reserveKept(count, list);
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        return shared.reserveZeroed(count, list);
    }

    @Override
    public void giveBack(PageList list) {
        keepSome(list);
        if (!list.isEmpty()) {
            shared.giveBack(list);
        }
    }

    @Override
    public void giveBackZeroed(PageList list) {
        keepSome(list);
        if (!list.isEmpty()) {
            shared.giveBackZeroed(list);
        }
    }

    @Override
    public long capacity() {
        return shared.capacity();
    }

    @Override
    public long free() {
        return shared.free();
    }

    @Override
    public long trim() {
        return shared.trim();
    }

    @Override
    public synchronized void close() {
        wanted = 0;
        full = true;
        shared.giveBack(kept);
    }

    /** Takes what is kept, and the rest, if any, from the other allocator. */
    private synchronized boolean reserveKept(int count, PageList list) {
        list.ensureRoom(count);
        int rest = Math.max(0, count - kept.size());
        if (rest > 0 && !shared.reserveForSplit(rest, list)) {
            return false;
        }
        for (int i = rest; i < count; i++) {
            list.add(kept.removeLast());
        }
        full = kept.size() >= wanted;
        return true;
    }

    private synchronized boolean keep(long page) {
        if (kept.size() >= wanted) {
            return false;
        }
        kept.add(page);
        full = kept.size() >= wanted;
        return true;
    }

    private void keepSome(PageList list) {
        while (!full && !list.isEmpty() && keep(list.get(list.size() - 1))) {
            long ignored = list.removeLast();
        }
    }
}
