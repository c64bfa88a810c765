package com.example.policies;

import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Provides {@code stack}: one stack of pages behind one lock. */
public final class StackAllocator implements TableAllocatorProvider {

    /** For the service loader. */
    public StackAllocator() {}

    @Override
    public String name() {
        return "stack";
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        return new Stack(memory);
    }

    private static final class Stack implements TableAllocator {

        private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;

        private final PhysicalMemory memory;
        private final PageList free = new PageList();
        private final long capacity;

        Stack(PhysicalMemory memory) {
            this.memory = memory;
            long end = memory.start() + memory.size();
            for (long page = end - PhysicalMemory.PAGE_SIZE;
                    page >= memory.start() && page > 0;
                    page -= PhysicalMemory.PAGE_SIZE) {
                free.add(page);
            }
            this.capacity = free.size();
        }

        @Override
        public long take() {
            PageList one = new PageList();
            return reserveZeroed(1, one) ? one.removeLast() : -1;
        }

        @Override
        public synchronized boolean reserve(int count, PageList list) {
            if (count > free.size()) {
                return false;
            }
            for (int i = 0; i < count; i++) {
                list.add(free.removeLast());
            }
            return true;
        }

        @Override
        public boolean reserveZeroed(int count, PageList list) {
            if (!reserve(count, list)) {
                return false;
            }
            for (int i = list.size() - count; i < list.size(); i++) {
                memory.fill(list.get(i), 0, 0, WORDS);
            }
            return true;
        }

        @Override
        public synchronized void give(long page) {
            free.add(page);
        }

        @Override
        public synchronized void giveBack(PageList list) {
            list.moveTo(free);
        }

        @Override
        public void giveBackZeroed(PageList list) {
            giveBack(list);
        }

        @Override
        public long capacity() {
            return capacity;
        }

        @Override
        public synchronized long free() {
            return free.size();
        }
    }
}
