package org.iommu4j.conformance.backend;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Stands between a backend and its allocator: knows which pages are lent, and lends no more than a
 * contract allows. Any thread may use it.
 */
final class LentPages implements TableAllocatorProvider {

    private static final int NO_LIMIT = Integer.MAX_VALUE;

    private final TableAllocatorProvider inner;
    private final Set<Long> lent = new HashSet<>();
    private final List<String> problems = new ArrayList<>();
    private int left = NO_LIMIT;
    private int refused;

    LentPages(TableAllocatorProvider inner) {
        this.inner = inner;
    }

    @Override
    public String name() {
        return "kit";
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        return new Counted(inner.create(memory));
    }

    /** {@return the pages that are lent now, ascending} */
    synchronized Set<Long> lent() {
        return new TreeSet<>(lent);
    }

    synchronized int count() {
        return lent.size();
    }

    synchronized boolean isLent(long page) {
        return lent.contains(page);
    }

    /** {@return how many reservations were refused because of {@link #leave}} */
    synchronized int refused() {
        return refused;
    }

    /** {@return what was done wrong with pages} */
    synchronized List<String> problems() {
        return List.copyOf(problems);
    }

    /** Lends no more than this many from now on, less what comes back. */
    synchronized void leave(int pages) {
        left = pages;
    }

    /** Lends whatever there is. */
    void leaveAll() {
        leave(NO_LIMIT);
    }

    private synchronized boolean allows(int count) {
        if (count <= left) {
            left -= left == NO_LIMIT ? 0 : count;
            return true;
        }
        refused++;
        return false;
    }

    private synchronized void returned(int count) {
        left += left == NO_LIMIT ? 0 : count;
    }

    private synchronized void lend(long page) {
        if (!lent.add(page)) {
            problems.add("page " + Hex.of(page) + " is lent twice");
        }
    }

    private synchronized boolean takeBack(long page) {
        boolean mine = lent.remove(page);
        if (mine) {
            returned(1);
        } else {
            problems.add(
                    "page "
                            + Hex.of(page)
                            + " was given back, which was not lent or had come back");
        }
        return mine;
    }

    /** The allocator that a backend gets. */
    private final class Counted implements TableAllocator {

        private final TableAllocator inner;

        Counted(TableAllocator inner) {
            this.inner = inner;
        }

        @Override
        public long take() {
            if (!allows(1)) {
                return -1;
            }
            long page = inner.take();
            if (page < 0) {
                returned(1);
            } else {
                lend(page);
            }
            return page;
        }

        @Override
        public void give(long page) {
            if (takeBack(page)) {
                inner.give(page);
            }
        }

        @Override
        public boolean reserve(int count, PageList list) {
            return allows(count) && lent(inner.reserve(count, list), count, list);
        }

        @Override
        public boolean reserveForSplit(int count, PageList list) {
            return allows(count) && lent(inner.reserveForSplit(count, list), count, list);
        }

        @Override
        public boolean reserveZeroed(int count, PageList list) {
            return allows(count) && lent(inner.reserveZeroed(count, list), count, list);
        }

        private boolean lent(boolean done, int count, PageList list) {
            if (!done) {
                returned(count);
                return false;
            }
            for (int i = list.size() - count; i < list.size(); i++) {
                lend(list.get(i));
            }
            return true;
        }

        @Override
        public void giveBack(PageList list) {
            inner.giveBack(known(list));
        }

        @Override
        public void giveBackZeroed(PageList list) {
            inner.giveBackZeroed(known(list));
        }

        /** Takes from a list what may be given back, and empties it. */
        private PageList known(PageList list) {
            PageList known = new PageList();
            while (!list.isEmpty()) {
                long page = list.removeLast();
                if (takeBack(page)) {
                    known.add(page);
                }
            }
            return known;
        }

        @Override
        public long capacity() {
            return inner.capacity();
        }

        @Override
        public long free() {
            synchronized (LentPages.this) {
                return Math.min(inner.free(), left);
            }
        }

        @Override
        public long trim() {
            return inner.trim();
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
