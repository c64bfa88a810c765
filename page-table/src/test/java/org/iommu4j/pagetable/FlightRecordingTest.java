package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.List;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a flight recording shows of the engine, and that it shows nothing unasked. */
class FlightRecordingTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final List<String> NAMES =
            List.of("Map", "Unmap", "Split", "Coalesce", "TableAlloc", "TableFree", "DirtyRead");
    private static final long PAGE = 0x1000;
    private static final long MID = 0x20_0000;
    private static final long LARGE = 0x4000_0000;
    private static final long OUT = 1L << 40;

    @TempDir private Path folder;

    @Test
    void mapsUnmapsAndSplitsHaveTheirValues() throws IOException {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        List<RecordedEvent> events =
                recorded(() -> {
                    domain.map(LARGE, OUT, LARGE, Access.READ_WRITE);
                    domain.unmap(LARGE + MID + PAGE, 2 * PAGE);
                    try (IotlbGather gather = domain.gather()) {
                        domain.unmap(LARGE, MID, gather);
                        domain.tryMap(LARGE, OUT, MID, Access.READ, gather);
                        domain.tryMap(LARGE, OUT, MID, Access.READ, gather);
                        domain.split(LARGE, MID, PAGE, gather);
                    }
                });
        assertThat(of(events, "Map")).hasSize(2);
        RecordedEvent map = of(events, "Map").getFirst();
        assertThat(map.getLong("root")).isEqualTo(domain.root());
        assertThat(map.getLong("iova")).isEqualTo(LARGE);
        assertThat(map.getLong("outputAddress")).isEqualTo(OUT);
        assertThat(map.getLong("size")).isEqualTo(LARGE);
        assertThat(map.getDuration()).isPositive();
        RecordedEvent unmap = of(events, "Unmap").getFirst();
        assertThat(unmap.getLong("iova")).isEqualTo(LARGE + MID + PAGE);
        assertThat(unmap.getLong("size")).isEqualTo(2 * PAGE);
        assertThat(unmap.getLong("unmapped")).isEqualTo(2 * PAGE);
        assertThat(unmap.getBoolean("waited")).isTrue();
        assertThat(of(events, "Unmap").get(1).getBoolean("waited")).isFalse();
        assertSplit(of(events, "Split").getFirst(), domain.root(), LARGE, PAGE, 2, 2 * PAGE);
        assertSplit(of(events, "Split").get(1), domain.root(), MID, PAGE, 1, 0);
        assertThat(of(events, "Split")).hasSize(2);
        domain.closeAndCheck();
    }

    private static void assertSplit(
            RecordedEvent split, long root, long from, long to, int tables, long unmapped) {
        assertThat(split.getLong("root")).isEqualTo(root);
        assertThat(split.getLong("iova")).isEqualTo(LARGE);
        assertThat(split.getLong("fromPageSize")).isEqualTo(from);
        assertThat(split.getLong("toPageSize")).isEqualTo(to);
        assertThat(split.getInt("tables")).isEqualTo(tables);
        assertThat(split.getLong("unmapped")).isEqualTo(unmapped);
        assertThat(split.getDuration()).isPositive();
    }

    @Test
    void coalescesTablesAndDirtyReadsHaveTheirValues() throws IOException {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        long before = domain.statistics().tablePages();
        List<RecordedEvent> events =
                recorded(() -> {
                    domain.map(LARGE, OUT, LARGE, Access.READ_WRITE);
                    try (IotlbGather gather = domain.gather();
                            DirtyTracking tracking =
                                    domain.trackDirty(new DirtyOptions(MID, false))) {
                        tracking.readAndClear(LARGE, MID, (_, _) -> {}, gather);
                    }
                    try (IotlbGather gather = domain.gather()) {
                        domain.cut(LARGE + PAGE, PAGE, gather);
                        domain.coalesce(LARGE, LARGE, gather);
                    }
                });
        RecordedEvent read = of(events, "DirtyRead").getFirst();
        assertThat(read.getLong("iova")).isEqualTo(LARGE);
        assertThat(read.getLong("size")).isEqualTo(MID);
        List<RecordedEvent> merges = of(events, "Coalesce");
        RecordedEvent last = merges.getLast();
        assertThat(last.getLong("root")).isEqualTo(domain.root());
        assertThat(last.getLong("iova")).isEqualTo(LARGE);
        assertThat(last.getLong("fromPageSize")).isEqualTo(MID);
        assertThat(last.getLong("toPageSize")).isEqualTo(LARGE);
        assertThat(merges).hasSize((int) domain.statistics().coalesces());
        assertThat(of(events, "Split")).hasSize((int) domain.statistics().splits());
        long came = of(events, "TableAlloc").stream().mapToLong(e -> e.getInt("count")).sum();
        long went = of(events, "TableFree").stream().mapToLong(e -> e.getInt("count")).sum();
        assertThat(before + came - went).isEqualTo(domain.statistics().tablePages());
        assertThat(of(events, "TableFree").getLast().getLong("tablePages"))
                .isEqualTo(domain.statistics().tablePages());
        domain.closeAndCheck();
    }

    @Test
    void nothingIsRecordedUnasked() throws IOException, ParseException {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        List<RecordedEvent> events;
        try (Recording recording = new Recording(Configuration.getConfiguration("profile"))) {
            events = recorded(recording, () -> mapAndPunch(domain));
        }
        assertThat(events)
                .extracting(event -> event.getEventType().getName())
                .isNotEmpty()
                .noneMatch(name -> name.startsWith("org.iommu4j"));
        domain.closeAndCheck();
    }

    @Test
    void nothingIsAllocatedWhileNobodyRecords() {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        domain.stopRecording();
        IotlbGather gather = domain.gather();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 40; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 2_000; i++) {
                domain.map(LARGE, OUT, PAGE, Access.READ_WRITE, gather);
                domain.unmap(LARGE, PAGE, gather);
                domain.sync(gather);
            }
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).as("bytes for 4000 calls").isLessThan(4_000);
        domain.closeAndCheck();
    }

    private static void mapAndPunch(TestDomain domain) {
        domain.map(LARGE, OUT, LARGE, Access.READ_WRITE);
        domain.unmap(LARGE + PAGE, PAGE);
        domain.unmap(LARGE, LARGE);
    }

    private List<RecordedEvent> recorded(Runnable run) throws IOException {
        try (Recording recording = new Recording()) {
            NAMES.forEach(name -> recording.enable("org.iommu4j." + name).withoutThreshold());
            return recorded(recording, run);
        }
    }

    private List<RecordedEvent> recorded(Recording recording, Runnable run) throws IOException {
        recording.start();
        run.run();
        recording.stop();
        Path file = folder.resolve("recording.jfr");
        recording.dump(file);
        return RecordingFile.readAllEvents(file);
    }

    private static List<RecordedEvent> of(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals("org.iommu4j." + name))
                .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()))
                .toList();
    }
}
