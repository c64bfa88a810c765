package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EventWindowTest {
    private final EventWindow window = new EventWindow();

    @Test
    void theFirstCoveringFlushOfTheSameTaskNamesAnEvent() {
        add(1, 0x1000, 0x1000);
        flush(2, 7, 0x1000, 0x1000);
        assertThat(window.first().domain).isEqualTo(TraceEvent.UNNAMED);
        flush(1, 8, 0x2000, 0x1000);
        assertThat(window.first().domain).isEqualTo(TraceEvent.UNNAMED);
        assertThat(window.isDue()).isFalse();
        flush(1, 9, 0x1000, 0x1000);
        assertThat(window.first().domain).isEqualTo(9);
        assertThat(window.isDue()).isTrue();
        flush(1, 10, 0x1000, 0x1000);
        assertThat(window.first().domain).isEqualTo(9);
    }

    @Test
    void oneFlushNamesAllPiecesOfAScatterList() {
        for (int i = 0; i < 1000; i++) {
            add(1, i * 0x1000L, 0x1000);
        }
        flush(1, 5, 0, 1000 * 0x1000L);
        for (int i = 0; i < 1000; i++) {
            assertThat(window.isDue()).isTrue();
            assertThat(window.first().iova).isEqualTo(i * 0x1000L);
            window.removeFirst();
        }
        assertThat(window.isEmpty()).isTrue();
    }

    @Test
    void anInterruptBetweenAnEventAndItsFlushDoesNotTakeItsName() {
        add(1, 0x1000, 0x1000);
        add(1, 0x8000, 0x1000);
        flush(1, 2, 0x8000, 0x1000);
        flush(1, 3, 0x1000, 0x1000);
        assertThat(window.first().domain).isEqualTo(3);
        window.removeFirst();
        assertThat(window.first().domain).isEqualTo(2);
    }

    @Test
    void anEventThatNobodyNamesLeavesWhenTheWindowIsFull() {
        for (int i = 0; i < EventWindow.CAPACITY - 1; i++) {
            assertThat(window.isDue()).isFalse();
            add(i + 1L, i * 0x1000L, 0x1000);
        }
        assertThat(window.isDue()).isTrue();
        assertThat(window.first().domain).isEqualTo(TraceEvent.UNNAMED);
    }

    @Test
    void manyTasksTakingTurnsAreKeptApart() {
        for (int round = 0; round < 50; round++) {
            for (int task = 1; task <= 1000; task++) {
                add(task, 0x1000, 0x1000);
                while (window.isDue()) {
                    window.removeFirst();
                }
            }
            for (int task = 1; task <= 1000; task++) {
                flush(task, task, 0x1000, 0x1000);
            }
            for (int task = 1; task <= 1000; task++) {
                assertThat(window.first().domain).isEqualTo(task);
                window.removeFirst();
            }
        }
    }

    @Test
    void aFlushOfEverythingCoversAnyRange() {
        add(1, 0x1000, 0x1000);
        flush(1, 4, 0, Long.MAX_VALUE);
        assertThat(window.first().domain).isEqualTo(4);
    }

    @Test
    void theFlushOfAnUnmapDoesNotNameAMapAtTheSamePlace() {
        add(1, 0x1000, 0x1000);
        TraceEvent map = window.first();
        add(TraceEvent.Kind.UNMAP, 1, 0x1000, 0x1000);
        flush(1, 6, 0x1000, 0x1000);
        flush(1, 6, 0x1000, 0x1000);
        assertThat(map.domain).isEqualTo(TraceEvent.UNNAMED);
        window.removeFirst();
        assertThat(window.first().domain).isEqualTo(6);
    }

    private void add(long task, long iova, long size) {
        add(TraceEvent.Kind.MAP, task, iova, size);
    }

    private void add(TraceEvent.Kind kind, long task, long iova, long size) {
        TraceEvent event = window.vacant();
        event.kind = kind;
        event.task = task;
        event.iova = iova;
        event.size = size;
        event.domain = TraceEvent.UNNAMED;
        window.add();
    }

    private void flush(long task, long domain, long iova, long size) {
        TraceEvent flush = new TraceEvent();
        flush.kind = TraceEvent.Kind.FLUSH;
        flush.task = task;
        flush.domain = domain;
        flush.iova = iova;
        flush.size = size;
        window.name(flush);
    }
}
