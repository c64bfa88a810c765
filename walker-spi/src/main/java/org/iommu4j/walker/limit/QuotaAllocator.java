package org.iommu4j.walker.limit;

import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.machine.PageList;
import org.iommu4j.walker.TableAllocator;

/** Lets no more than so many pages of another allocator be taken at a time. */
final class QuotaAllocator implements TableAllocator {

    private final TableAllocator shared;
    private final long most;
    private final AtomicLong taken = new AtomicLong();

    QuotaAllocator(TableAllocator shared, long most) {
        this.shared = shared;
        this.most = most;
    }

    @Override
    public long take() {
        long page = -1;
        if (claim(1)) {
            try {
                page = shared.take();
            } finally {
                unclaimUnless(page >= 0, 1);
            }
        }
        return page;
    }

    @Override
    public void give(long page) {
        shared.give(page);
        taken.decrementAndGet();
    }

    @Override
    public boolean reserve(int count, PageList list) {
        boolean done = false;
        if (claim(count)) {
            try {
                done = shared.reserve(count, list);
            } finally {
                unclaimUnless(done, count);
            }
        }
        return done;
    }

    @Override
    public boolean reserveForSplit(int count, PageList list) {
        boolean done = false;
        if (claim(count)) {
            try {
                done = shared.reserveForSplit(count, list);
            } finally {
                unclaimUnless(done, count);
            }
        }
        return done;
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        boolean done = false;
        if (claim(count)) {
            try {
                done = shared.reserveZeroed(count, list);
            } finally {
                unclaimUnless(done, count);
            }
        }
        return done;
    }

    @Override
    public void giveBack(PageList list) {
        int count = list.size();
        shared.giveBack(list);
        taken.addAndGet(-count);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        int count = list.size();
        shared.giveBackZeroed(list);
        taken.addAndGet(-count);
    }

    @Override
    public long capacity() {
        return Math.min(most, shared.capacity());
    }

    @Override
    public long free() {
        return Math.min(most - taken.get(), shared.free());
    }

    @Override
    public long trim() {
        return shared.trim();
    }

    /** Counts pages as taken, if that stays within the quota. */
    private boolean claim(int count) {
        long before;
        do {
            before = taken.get();
            if (count > most - before) {
                return false;
            }
        } while (!taken.compareAndSet(before, before + count));
        return true;
    }

    private void unclaimUnless(boolean done, int count) {
        if (!done) {
            taken.addAndGet(-count);
        }
    }
}
