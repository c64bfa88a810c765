package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;

/** A root of several pages, out of an allocator that hands out single ones. */
class RootPagesTest {

    private static final int PAGES = 64;
    private static final long PAGE = PhysicalMemory.PAGE_SIZE;

    private final PhysicalMemory memory = PhysicalMemory.allocate(PAGES * PAGE);
    private final TestAllocator allocator = new TestAllocator(memory);

    @Test
    void theyAreAlignedNeighboursAndZero() {
        for (int i = 0; i < 5; i++) {
            RootPages pages = RootPages.take(allocator, 4);
            assertThat(pages.first() % (4 * PAGE)).isZero();
            pages.forEach(page -> {
                assertThat(allocator.isTaken(page)).isTrue();
                assertThat(memory.countAny(page, -1, 512)).isZero();
            });
        }
        assertThat(allocator.taken()).isEqualTo(5 * 4);
    }

    @Test
    void theyAreFoundBetweenPagesThatAreTaken() {
        PageList all = new PageList();
        assertThat(allocator.reserve(PAGES - 1, all)).isTrue();
        PageList free = new PageList();
        while (!all.isEmpty()) {
            long page = all.removeLast();
            long inBlock = page / PAGE % 4;
            if (inBlock == 1 || (page >= 40 * PAGE && page < 44 * PAGE)) {
                free.add(page);
            }
        }
        allocator.giveBack(free);
        int before = allocator.taken();
        RootPages pages = RootPages.take(allocator, 4);
        assertThat(pages).isEqualTo(new RootPages(40 * PAGE, 4));
        assertThat(allocator.taken()).isEqualTo(before + 4);
        pages.give(allocator);
        assertThat(allocator.taken()).isEqualTo(before);
    }

    @Test
    void M4_withoutNeighboursEveryPageGoesBack() {
        PageList all = new PageList();
        assertThat(allocator.reserve(PAGES - 1, all)).isTrue();
        PageList even = new PageList();
        while (!all.isEmpty()) {
            long page = all.removeLast();
            if (page / PAGE % 2 == 0) {
                even.add(page);
            }
        }
        allocator.giveBack(even);
        int before = allocator.taken();
        assertThatThrownBy(() -> RootPages.take(allocator, 4))
                .isInstanceOf(TableMemoryExhaustedException.class)
                .hasMessageContaining("4");
        assertThat(allocator.taken()).isEqualTo(before);
    }
}
