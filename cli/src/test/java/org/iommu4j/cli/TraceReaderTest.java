package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceReaderTest {
    private static final String MAP =
            "map: IOMMU: iova=0x00000000ffffe000 - 0x00000000fffff000 paddr=0x0000000001d69000"
                    + " size=4096";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "    kworker/u4:0-57      [003] d.h1.     1.405714: " + MAP,
                "    kworker/u4:0-57      [003]     1.405714: " + MAP,
                "    kworker/u4:0-57      (     50) [003] ..... 1.405714: " + MAP,
                "    kworker/u4:0-57      (-------) [003] ..... 1.405714: " + MAP,
                "kworker/u4:0    57 [003]     1.405714: iommu:" + MAP,
                "kworker/u4:0    50/57 [003]     1.405714: iommu:" + MAP,
                "kworker/u4:0    57     1.405714: iommu:" + MAP,
                "  a: map: b [x] c-1-57   [003] .....     1.405714: " + MAP,
                "  weird [name-57   [003] .....     1.405714: " + MAP,
                "  <...>-57   [003] .....     1405714: " + MAP,
                "  <...>-57   [003] .....     1.405714: " + MAP + "\r",
                "  <...>-57   [003] .....     1.405714: " + MAP + " prot=3",
                "  x-57 [003] 1.405714: map:                  IOMMU: iova=0x00000000ffffe000 -"
                        + " 0x00000000fffff000 paddr=0x0000000001d69000 size=4096",
                "  x-57 [003] .... 1.405714: map: IOMMU: iova=0x00000000ffffe000"
                        + " paddr=0x0000000001d69000 size=4096",
                "  x-57 [003] .... 1.405714: map: IOMMU: iova=0xFFFFE000 - 0xFFFFF000"
                        + " paddr=0x1d69000 size=4096",
            })
    void readsAMapInEveryLayout(String line) {
        TraceReader reader = Traces.reader("# tracer: nop\n\ncpus=4\n" + line + "\n");
        List<TraceEvent> events = Traces.events(reader);
        assertThat(reader.firstMalformed()).isEmpty();
        assertThat(events).hasSize(1);
        TraceEvent event = events.getFirst();
        assertThat(event.kind).isEqualTo(TraceEvent.Kind.MAP);
        assertThat(event.line).isEqualTo(4);
        assertThat(event.task).isEqualTo(57);
        assertThat(event.iova).isEqualTo(0xffffe000L);
        assertThat(event.outputAddress).isEqualTo(0x1d69000);
        assertThat(event.size).isEqualTo(4096);
        assertThat(event.domain).isEqualTo(TraceEvent.UNNAMED);
        assertThat(reader.ignored()).isEqualTo(1);
    }

    @Test
    void readsAnUnmapOfThreeSizes() {
        TraceEvent event =
                only(
                        "  x-1 [000] .... 1.5: unmap: IOMMU: iova=0x0000000040000000 -"
                                + " 0x0000000040001000 size=4096 unmapped_size=2097152\n");
        assertThat(event.kind).isEqualTo(TraceEvent.Kind.UNMAP);
        assertThat(event.iova).isEqualTo(0x40000000);
        assertThat(event.size).isEqualTo(4096);
        assertThat(event.unmappedSize).isEqualTo(2097152);
    }

    @Test
    void readsAnUnmapOfAnOlderKernel() {
        TraceEvent event =
                only(
                        "  x-1 [000] .... 1.5: unmap: IOMMU: iova=0x0000000040000000 size=8192"
                                + " unmapped_size=4096\n");
        assertThat(event.size).isEqualTo(8192);
        assertThat(event.unmappedSize).isEqualTo(4096);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cache_tag_flush_range: ",
                "cache_tag_flush_range_np: ",
                "intel_iommu:cache_tag_flush_range: ",
                "cache_tag_flush_range_np:       ",
            })
    void readsAFlush(String name) {
        TraceReader reader =
                Traces.reader(
                        "  x-9 [000] .... 1.5: "
                                + name
                                + "dmar3 0000:00:05.0[0] type iotlb did 17 [0xffffe000-0xffffefff]"
                                + " addr 0xffffe000 pages 0x1 mask 0x0\n");
        TraceEvent event = Traces.events(reader).getFirst();
        assertThat(event.kind).isEqualTo(TraceEvent.Kind.FLUSH);
        assertThat(event.task).isEqualTo(9);
        assertThat(event.iova).isEqualTo(0xffffe000L);
        assertThat(event.size).isEqualTo(4096);
        assertThat(reader.domainName(event.domain)).isEqualTo("dmar3 did 17");
    }

    @Test
    void aFlushOfEverythingCoversEverything() {
        TraceEvent event =
                only(
                        "  x-9 [000] .... 1.5: cache_tag_flush_range: dmar0 0000:00:05.0[0] type"
                                + " iotlb did 1 [0x0-0xffffffffffffffff] addr 0x0\n");
        assertThat(event.size).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void unitsDoNotShareDomainIds() {
        TraceReader reader =
                Traces.reader(
                        "x-9 [0] 1.5: cache_tag_flush_range: dmar0 d[0] type iotlb did 1 [0x0-0xf]\n"
                                + "x-9 [0] 1.5: cache_tag_flush_range: dmar1 d[0] type iotlb did 1"
                                + " [0x0-0xf]\n");
        List<TraceEvent> events = Traces.events(reader);
        assertThat(events.get(0).domain).isNotEqualTo(events.get(1).domain);
    }

    @Test
    void theIdleTasksOfTwoCpusAreTwoTasks() {
        List<TraceEvent> events =
                Traces.events(
                        Traces.reader(
                                "<idle>-0 [000] d.h1. 1.5: "
                                        + MAP
                                        + "\n<idle>-0 [001] d.h1. 1.5: "
                                        + MAP
                                        + "\n"));
        assertThat(events.get(0).task).isNegative().isNotEqualTo(events.get(1).task);
        assertThat(events.get(1).task).isNegative();
    }

    static Stream<String> malformedEvents() {
        String head = "  x-1 [000] .... 1.5: ";
        return Stream.of(
                head + "map: IOMMU: iova=0x00000000fff",
                head + "map: IOMMU: iova=0x00000000ffffe000 - 0x00000000fffff000 paddr=0x1d69000",
                head + "map: IOMMU: iova=0x00000000ffffe000 - 0x00000000fffff000 size=4096",
                head + "map: IOM",
                head + "map:",
                head + "map: IOMMU: iova=0x1000 - 0x2000 paddr=0x1000 size=8192",
                head + "map: IOMMU: iova=0x1000 - 0x1800 paddr=0x1000 size=2048",
                head + "map: IOMMU: iova=0x1001 - 0x2001 paddr=0x1000 size=4096",
                head + "map: IOMMU: iova=0x1000 - 0x2000 paddr=0x10 size=4096",
                head + "map: IOMMU: iova=0x1000 - 0x2000 paddr=0x1000 size=4096x",
                head + "map: IOMMU: iova=0x1000 - 0x2000 paddr=0x1000 size=99999999999999999999",
                head + "map: IOMMU: iova=0x11111111111111111 - 0x2000 paddr=0x1000 size=4096",
                head + "map: IOMMU: iova=0xfffffffffffff000 paddr=0x1000 size=4096",
                head + "map: IOMMU: iova=0x2000 - 0x1000 paddr=0x1000 size=4096",
                head + "unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped",
                head + "unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=",
                head + "unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=-1",
                head + "unmap: IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=100",
                ": IOMMU: iova=0x1000 - 0x2000 size=4096 unmapped_size=4096");
    }

    @ParameterizedTest
    @MethodSource("malformedEvents")
    void countsAnEventItCannotReadAndShowsTheFirst(String line) {
        TraceReader reader = Traces.reader("#\n" + line + "\n" + line + "\n");
        assertThat(Traces.events(reader)).isEmpty();
        assertThat(reader.malformed()).isEqualTo(2);
        assertThat(reader.ignored()).isZero();
        assertThat(reader.firstMalformed())
                .hasValueSatisfying(
                        text -> assertThat(text).startsWith("line 2: ").contains(line.strip()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "  x-1 [000] .... 1.5: attach_device_to_domain: IOMMU: device=0000:00:06.0",
                "  x-1 [000] .... 1.5: add_device_to_group: IOMMU: groupID=0 device=0000:00:00.0",
                "  x-1 [000] .... 1.5: tracing_mark_write: 1.6: " + MAP,
                "  x-1 [000] .... 1.5: qi_submit: iotlb_inv dmar0: 0x0 0x0 0x0 0x0",
                "  x-1 [000] .... 1.5: cache_tag_flush_all: dmar0 0000:00:05.0[0] type iotlb did 1",
                "  x-1 [000] .... 1.5: cache_tag_flush_range: dmar0 0000:00:05.0[0] type iotl",
                "  x-1 [000] .... 1.5: mapped: IOMMU: iova=0x1000",
                "CPU:1 [LOST 2114 EVENTS]",
                "cpus=8",
                "\u00e9\u00e8 [ [[[ ]]] : : [1] [12",
            })
    void ignoresWhatIsNoMapOrUnmap(String line) {
        TraceReader reader = Traces.reader(line + "\n\n   \n# " + line + "\n");
        assertThat(Traces.events(reader)).isEmpty();
        assertThat(reader.ignored()).isEqualTo(1);
        assertThat(reader.malformed()).isZero();
        assertThat(reader.lines()).isEqualTo(4);
    }

    @Test
    void aLogCutAnywhereInItsLastLineIsNeverMisread() {
        String whole =
                "  x-1 [000] .... 1.5: unmap: IOMMU: iova=0x0000000000100000 - 0x000000000010a000"
                        + " size=40960 unmapped_size=40960";
        for (int length = whole.indexOf("unmap:") + 6; length < whole.length(); length++) {
            TraceReader reader = Traces.reader(whole.substring(0, length));
            assertThat(Traces.events(reader)).as("cut to %s characters", length).isEmpty();
            assertThat(reader.malformed()).as("cut to %s characters", length).isEqualTo(1);
        }
        assertThat(Traces.events(Traces.reader(whole))).hasSize(1);
    }

    @Test
    void longLinesAndGarbageDoNotStopIt() {
        String garbage =
                IntStream.range(0, 3 * TraceLines.CAPACITY)
                        .mapToObj(
                                i -> String.valueOf((char) (i * 31 % 251 == 10 ? 0 : i * 31 % 251)))
                        .collect(Collectors.joining());
        String event = "  x-1 [000] .... 1.5: " + MAP + "\n";
        TraceReader reader =
                new TraceReader(
                        Traces.stream(
                                event + garbage + "\n" + event + "\0\0\0\n" + event + garbage));
        assertThat(Traces.events(reader)).extracting(e -> e.line).containsExactly(1L, 3L, 5L);
        assertThat(reader.lines()).isEqualTo(6);
    }

    @Test
    void eventsThatStraddleTheBufferAreWhole() {
        StringBuilder text = new StringBuilder();
        int count = 3 * TraceLines.CAPACITY / 100;
        for (int i = 0; i < count; i++) {
            text.append(Traces.map("task-" + (i + 1), i * 4096L, i * 8192L, 4096));
        }
        List<TraceEvent> events = Traces.events(Traces.reader(text.toString()));
        assertThat(events).hasSize(count);
        for (int i = 0; i < count; i++) {
            assertThat(events.get(i).iova).isEqualTo(i * 4096L);
            assertThat(events.get(i).outputAddress).isEqualTo(i * 8192L);
            assertThat(events.get(i).task).isEqualTo(i + 1);
        }
    }

    private static TraceEvent only(String line) {
        List<TraceEvent> events = Traces.events(Traces.reader(line));
        assertThat(events).hasSize(1);
        return events.getFirst();
    }

    /** Reading a line makes no object, of whatever kind the line is. */
    @Test
    void aLineAllocatesNothing() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) { // the first ones are not compiled yet
            try (TraceReader reader = new TraceReader(endless())) {
                TraceEvent event = new TraceEvent();
                reader.next(event);
                long before = threads.getCurrentThreadAllocatedBytes();
                while (reader.lines() < 200_000) {
                    reader.next(event);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                assertThat(reader.malformed()).isZero();
            }
        }
        assertThat(least).isLessThan(4096);
    }

    private static InputStream endless() {
        return new RepeatedText(
                Traces.map("a-1", 0x1000, 0x1000, 4096)
                        + Traces.flush("a-1", "_np", 3, 0x1000, 4096)
                        + Traces.unmap("b-2", 0x1000, 4096, 4096)
                        + "# a comment\n\n  a-1 [000] ..... 1.5: tracing_mark_write: a mark\n",
                Long.MAX_VALUE);
    }
}
