package org.iommu4j.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PageListTest {

    private final PageList list = of(0x1000, 0x2000, 0x3000);

    @Test
    void movesItsLastPages() {
        PageList target = of(0x9000);
        list.moveLast(target, 2);
        assertThat(pages(list)).containsExactly(0x1000);
        assertThat(pages(target)).containsExactly(0x9000, 0x2000, 0x3000);
        list.moveLast(target, 0);
        list.moveTo(target);
        assertThat(list.isEmpty()).isTrue();
        assertThat(pages(target)).containsExactly(0x9000, 0x2000, 0x3000, 0x1000);
    }

    @Test
    void movesNoMoreThanItHas() {
        PageList target = of(0x9000);
        assertThatThrownBy(() -> list.moveLast(target, 4))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> list.moveLast(target, -1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(pages(list)).containsExactly(0x1000, 0x2000, 0x3000);
        assertThat(pages(target)).containsExactly(0x9000);
    }

    private static PageList of(long... pages) {
        PageList list = new PageList();
        for (long page : pages) {
            list.add(page);
        }
        return list;
    }

    private static long[] pages(PageList list) {
        long[] pages = new long[list.size()];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = list.get(i);
        }
        return pages;
    }
}
