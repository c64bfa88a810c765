package org.iommu4j.conformance;

import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Table allocators that are wrong on purpose, each in one way. */
enum WrongTableAllocators implements TableAllocatorProvider {
    LENDS_A_PAGE_TWICE("T2", "was lent twice") {
        @Override
        boolean reserve(TableAllocator inner, int count, PageList list) {
            if (!inner.reserve(count, list)) {
                return false;
            }
            if (count > 1) {
                long ignored = list.removeLast();
                list.add(list.get(list.size() - 1));
            }
            return true;
        }
    },
    LENDS_HALF_OF_WHAT_IS_ASKED("S6", "was refused, and left") {
        @Override
        boolean reserve(TableAllocator inner, int count, PageList list) {
            for (int i = 0; i < count; i++) {
                if (!inner.reserve(1, list)) {
                    return false;
                }
            }
            return true;
        }
    },
    LOSES_A_PAGE("L1", "free() is") {
        @Override
        void giveBack(TableAllocator inner, PageList list) {
            long ignored = list.removeLast();
            inner.giveBack(list);
        }

        @Override
        void give(TableAllocator inner, long page) {
            if (page % 0x10000 != 0) {
                inner.give(page);
            }
        }
    },
    CALLS_DIRTY_PAGES_ZEROED("M1", "lent a page with 0xffffffffffffffff at") {
        @Override
        void giveBack(TableAllocator inner, PageList list) {
            inner.giveBackZeroed(list);
        }
    },
    LENDS_THE_PAGE_AT_0("T2", "page 0x0 is no page that may be lent") {
        @Override
        boolean reserve(TableAllocator inner, int count, PageList list) {
            boolean lent = count > 0 && inner.reserve(count - 1, list);
            if (lent) {
                list.add(0);
            }
            return lent;
        }
    };

    final String rule;
    final String message;

    /** Caught under a rule, by a message that holds these words. */
    WrongTableAllocators(String rule, String message) {
        this.rule = rule;
        this.message = message;
    }

    boolean reserve(TableAllocator inner, int count, PageList list) {
        return inner.reserve(count, list);
    }

    void give(TableAllocator inner, long page) {
        inner.give(page);
    }

    void giveBack(TableAllocator inner, PageList list) {
        inner.giveBack(list);
    }

    @Override
    public TableAllocator create(PhysicalMemory memory) {
        TableAllocator inner =
                Providers.preferred("table allocator", TableAllocatorProvider.providers())
                        .create(memory);
        return new TableAllocator() {
            @Override
            public long take() {
                return inner.take();
            }

            @Override
            public void give(long page) {
                WrongTableAllocators.this.give(inner, page);
            }

            @Override
            public boolean reserve(int count, PageList list) {
                return WrongTableAllocators.this.reserve(inner, count, list);
            }

            @Override
            public boolean reserveZeroed(int count, PageList list) {
                return inner.reserveZeroed(count, list);
            }

            @Override
            public void giveBack(PageList list) {
                if (!list.isEmpty()) {
                    WrongTableAllocators.this.giveBack(inner, list);
                }
                list.clear();
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
        };
    }
}
