package org.iommu4j.flush.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.Test;

class CacheFlusherTest {

    private final List<String> events = new ArrayList<>();
    private final PhysicalMemory memory =
            PhysicalMemory.allocate(0x10000)
                    .observedBy(
                            new MemoryObserver() {
                                @Override
                                public void beforeWriteBack(long address, long bytes) {
                                    events.add(
                                            Long.toHexString(address)
                                                    + "+"
                                                    + Long.toHexString(bytes));
                                }

                                @Override
                                public void beforeFence() {
                                    events.add("fence");
                                }
                            });

    @Test
    void noneIsThePreferredOne() {
        assertThat(CacheFlusherProvider.providers())
                .extracting(CacheFlusherProvider::name)
                .containsExactly("none", "line", "page");
        CacheFlusher none = CacheFlusherProvider.providers().getFirst().create(memory);
        none.written(0x1000, 8);
        none.fence();
        assertThat(none.isNeeded()).isFalse();
        assertThat(events).isEmpty();
    }

    @Test
    void S7_lineWritesBackExactlyTheLinesThatWereTouchedEachOnce() {
        CacheFlusher line = flusher("line");
        assertThat(line.isNeeded()).isTrue();
        line.written(0x1000, 8);
        line.written(0x1038, 8);
        line.written(0x1038, 16);
        line.written(0x2008, 0x1000 - 8);
        assertThat(events).isEmpty();
        line.fence();
        assertThat(events).containsExactly("1000+80", "2000+1000", "fence");
    }

    @Test
    void S7_neighboursAreJoinedInAnyOrder() {
        CacheFlusher line = flusher("line");
        line.written(0x1000, 8);
        line.written(0x1080, 8);
        line.written(0x3000, 8);
        line.written(0x1040, 8);
        line.fence();
        line.fence();
        assertThat(events).containsExactly("3000+40", "1000+c0", "fence", "fence");
    }

    @Test
    void S7_whatThereIsNoRoomToRememberIsWrittenBackEarly() {
        CacheFlusher line = flusher("line");
        for (int i = 0; i < 9; i++) {
            line.written(0x1000 + i * 0x80, 8);
        }
        assertThat(events).containsExactly("1000+40");
        line.fence();
        assertThat(events).hasSize(10).doesNotHaveDuplicates().endsWith("1400+40", "fence");
    }

    @Test
    void S7_pageWritesBackWholePages() {
        CacheFlusher page = flusher("page");
        page.written(0x1ff8, 8);
        page.written(0x1000, 8);
        page.written(0x3000, 0x1000);
        page.fence();
        assertThat(events).containsExactly("1000+1000", "3000+1000", "fence");
    }

    @Test
    void S7_eachThreadFencesItsOwn() throws InterruptedException {
        CacheFlusher line = flusher("line");
        line.written(0x1000, 8);
        Thread other =
                Thread.ofPlatform()
                        .start(() -> {
                            line.written(0x2000, 8);
                            line.fence();
                        });
        other.join();
        assertThat(events).containsExactly("2000+40", "fence");
        line.fence();
        assertThat(events).endsWith("1000+40", "fence");
    }

    private CacheFlusher flusher(String name) {
        return Providers.choose(
                        CacheFlusherProvider.class,
                        "cache flusher",
                        CacheFlusherProvider.providers(),
                        name)
                .create(memory);
    }
}
