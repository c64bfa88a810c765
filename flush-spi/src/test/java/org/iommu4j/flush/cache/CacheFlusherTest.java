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
                .containsExactly("none", "line");
        CacheFlusher none = CacheFlusherProvider.providers().getFirst().create(memory);
        none.written(0x1000, 8);
        none.fence();
        assertThat(none.isNeeded()).isFalse();
        assertThat(events).isEmpty();
    }

    @Test
    void S7_lineWritesBackExactlyTheLinesThatWereTouched() {
        CacheFlusher line =
                Providers.choose(
                                CacheFlusherProvider.class,
                                "cache flusher",
                                CacheFlusherProvider.providers(),
                                "line")
                        .create(memory);
        assertThat(line.isNeeded()).isTrue();
        line.written(0x1000, 8);
        line.written(0x1038, 8);
        line.written(0x1038, 16);
        line.written(0x2008, 0x1000 - 8);
        line.fence();
        assertThat(events).containsExactly("1000+40", "1000+40", "1000+80", "2000+1000", "fence");
    }
}
