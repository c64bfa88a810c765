package org.iommu4j.walker.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;

/** Quota and reserve, alone and over each other. */
class LimitedAllocatorsTest {

    private static final int PAGES = 32;

    private final PhysicalMemory memory = PhysicalMemory.allocate((PAGES + 1) * 4096L);
    private final PageList list = new PageList();

    @Test
    void theyAreFoundByNameBehindTheSlab() {
        assertThat(TableAllocatorProvider.providers())
                .extracting(TableAllocatorProvider::name)
                .containsExactly("slab", "quota", "reserve");
    }

    @Test
    void S6_aQuotaIsAllOrNothing() {
        TableAllocator quota = provider("quota:bytes=16k").create(memory);
        assertThat(quota.capacity()).isEqualTo(4);
        assertThat(quota.reserve(5, list)).isFalse();
        assertThat(list.isEmpty()).isTrue();
        assertThat(quota.free()).isEqualTo(4);
        long page = quota.take();
        assertThat(quota.reserveForSplit(2, list) && quota.reserveZeroed(1, list)).isTrue();
        assertThat(quota.take()).isEqualTo(-1);
        assertThat(quota.free()).isZero();
        quota.give(page);
        quota.giveBack(list);
        assertThat(quota.free()).isEqualTo(4);
    }

    @Test
    void quotasShareTheirPages() {
        TableAllocator shared = provider("slab").create(memory);
        TableAllocator one = provider("quota:bytes=64k").over(shared);
        TableAllocator other = provider("quota:bytes=1g").over(shared);
        assertThat(other.reserve(PAGES - 4, list)).isTrue();
        assertThat(one.free()).isEqualTo(4);
        assertThat(one.reserve(5, list)).isFalse();
        assertThat(one.reserve(4, list)).isTrue();
        assertThat(list.size()).isEqualTo(PAGES);
        assertThat(shared.free()).isZero();
        assertThat(one.take()).isEqualTo(-1);
        assertThat(one.capacity()).isEqualTo(16);
        assertThat(other.capacity()).isEqualTo(PAGES);
    }

    @Test
    void S6_splitsGoOnFromTheReserve() {
        TableAllocator reserve = provider("reserve:pages=8").create(memory);
        assertThat(reserve.free()).isEqualTo(PAGES - 8);
        PageList maps = new PageList();
        assertThat(reserve.reserve(PAGES - 9, maps)).isTrue();
        assertThat(reserve.reserve(2, list)).isFalse();
        assertThat(reserve.reserveZeroed(2, list)).isFalse();
        assertThat(reserve.reserveForSplit(3, list)).isTrue();
        assertThat(list.size()).isEqualTo(3);
        assertThat(reserve.free()).isOne();
        assertThat(reserve.reserveForSplit(7, list)).isFalse();
        assertThat(list.size()).isEqualTo(3);
        assertThat(reserve.reserveForSplit(6, list)).isTrue();
        assertThat(reserve.reserveForSplit(1, list)).isFalse();
        assertThat(reserve.take()).isEqualTo(-1);
    }

    @Test
    void whatComesBackFillsTheReserveFirst() {
        TableAllocator reserve = provider("reserve:pages=2").create(memory);
        PageList maps = new PageList();
        reserve.reserve(PAGES - 2, maps);
        reserve.reserveForSplit(2, list);
        reserve.give(maps.removeLast());
        assertThat(reserve.free()).isZero();
        PageList three = new PageList();
        for (int i = 0; i < 3; i++) {
            three.add(maps.removeLast());
        }
        reserve.giveBackZeroed(three);
        assertThat(three.isEmpty()).isTrue();
        assertThat(reserve.free()).isEqualTo(2);
        assertThat(reserve.reserveForSplit(4, maps)).isTrue();
        reserve.giveBack(list);
        reserve.giveBack(maps);
        assertThat(reserve.free()).isEqualTo(PAGES - 2);
    }

    @Test
    void L1_aClosedReserveHasGivenItsPagesBack() {
        TableAllocator shared = provider("slab").create(memory);
        TableAllocator reserve = provider("reserve:pages=8").over(shared);
        reserve.reserveForSplit(PAGES - 4, list);
        reserve.close();
        reserve.giveBack(list);
        assertThat(shared.free()).isEqualTo(PAGES);
    }

    @Test
    void L1_oneOverAnotherOverASharedOneGivesEverythingBack() {
        TableAllocator shared = provider("slab").create(memory);
        for (String choice :
                List.of(
                        "quota:bytes=64k,over=reserve:pages=8",
                        "reserve:pages=8,over=quota:bytes=64k",
                        "reserve:pages=4,over=reserve:pages=4")) {
            TableAllocator own = provider(choice).over(shared);
            assertThat(shared.free()).as(choice).isEqualTo(PAGES - 8);
            assertThat(own.reserveForSplit(16, list)).as(choice).isTrue();
            own.giveBack(list);
            own.close();
            assertThat(shared.free()).as(choice).isEqualTo(PAGES);
        }
        TableAllocatorProvider greedy = provider("reserve:pages=40,over=reserve:pages=8");
        assertThatThrownBy(() -> greedy.over(shared)).isInstanceOf(IllegalArgumentException.class);
        assertThat(shared.free()).isEqualTo(PAGES);
    }

    @Test
    void whatTakesNoPagesOfOthersCannotStandBetween() {
        TableAllocator shared = provider("slab").create(memory);
        assertThatThrownBy(() -> provider("quota:bytes=64k,over=slab").over(shared))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"slab\" makes an allocator of a memory of its own");
    }

    @Test
    void theyStandOverEachOther() {
        for (String choice :
                List.of("quota:bytes=64k,over=reserve:pages=4", "quota:over=slab,bytes=64k")) {
            assertThat(provider(choice).create(memory).capacity()).isEqualTo(16);
        }
        TableAllocator composed =
                provider("reserve:pages=4")
                        .over(provider("quota:bytes=32k"))
                        .over(provider("slab").create(memory));
        assertThat(composed.free()).isEqualTo(4);
        assertThat(composed.reserveForSplit(8, list)).isTrue();
        assertThat(composed.reserveForSplit(1, list)).isFalse();
        TableAllocatorProvider inCode =
                provider("quota:bytes=32k").over(provider("reserve:pages=4"));
        assertThat(inCode.name()).isEqualTo("quota");
        assertThat(inCode.create(memory).free()).isEqualTo(8);
    }

    @Test
    void whatIsNotLegalIsRefused() {
        for (String choice : List.of("quota:bytes=1k", "quota:pages=1", "reserve:pages=0")) {
            assertThatThrownBy(() -> provider(choice))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("legal is");
        }
        assertThatThrownBy(() -> provider("quota").create(memory))
                .hasMessageContaining("legal is bytes=SIZE");
        assertThatThrownBy(() -> provider("reserve:pages=33").create(memory))
                .hasMessageContaining("a reserve of 33 pages, where 32 are free");
        assertThatThrownBy(() -> provider("quota:bytes=1m,over=slob").create(memory))
                .hasMessageContaining("no table allocator \"slob\"");
        TableAllocator shared = provider("slab").create(memory);
        assertThatThrownBy(() -> provider("slab").over(shared))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"quota\", is legal here");
    }

    private static TableAllocatorProvider provider(String choice) {
        return Providers.choose(
                TableAllocatorProvider.class,
                "table allocator",
                TableAllocatorProvider.providers(),
                choice);
    }
}
