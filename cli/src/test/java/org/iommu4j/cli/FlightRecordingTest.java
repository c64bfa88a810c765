package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --record}: a flight recording of any command, with the settings that are shipped. */
class FlightRecordingTest {
    @TempDir private Path folder;

    @Test
    void aRecordingOfSwapShowsItsSplits() throws IOException {
        Path file = folder.resolve("swap.jfr");
        CommandRun run = swap("--split", "hitless", "--json", "--record", file.toString());
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        List<RecordedEvent> splits = events(file, "org.iommu4j.Split");
        assertThat(splits)
                .hasSizeGreaterThanOrEqualTo(
                        Integer.parseInt(run.json().get("strategies.0.splits")))
                .isNotEmpty();
        for (RecordedEvent split : splits) {
            assertThat(split.getLong("fromPageSize")).isEqualTo(0x20_0000);
            assertThat(split.getLong("toPageSize")).isEqualTo(0x1000);
            assertThat(split.getLong("iova") % 0x20_0000).isZero();
            assertThat(split.getLong("unmapped")).isEqualTo(0x1000);
            assertThat(split.getInt("tables")).isEqualTo(1);
            assertThat(split.getDuration()).isPositive();
            assertThat(split.getStackTrace().getFrames()).isNotEmpty();
        }
        assertThat(events(file, "org.iommu4j.TableAlloc")).hasSizeGreaterThan(splits.size());
        assertThat(events(file, "org.iommu4j.PageRequest")).isNotEmpty();
    }

    @Test
    void aRecordingOfUnmapAndMapAgainShowsTheFaults() throws IOException {
        Path file = folder.resolve("swap.jfr");
        swap("--split", "unmap-map", "--faults", "fatal", "--record", file.toString());
        assertThat(events(file, "org.iommu4j.Split")).isEmpty();
        assertThat(events(file, "org.iommu4j.Fault"))
                .isNotEmpty()
                .anySatisfy(fault ->
                        assertThat(fault.getString("explanation")).startsWith("domain 0x"));
    }

    @Test
    void whatCannotBeWrittenIsBadUsage() {
        Path nowhere = folder.resolve("no").resolve("folder").resolve("swap.jfr");
        CommandRun run = swap("--record", nowhere.toString());
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("iommu4j swap: --record " + nowhere + ": there is no folder");
        assertThat(Files.exists(nowhere)).isFalse();
    }

    private static CommandRun swap(String... more) {
        List<String> arguments =
                new ArrayList<>(List.of("swap", "--memory", "8m", "--seconds", "0.5"));
        arguments.addAll(List.of(more));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private static List<RecordedEvent> events(Path file, String name) throws IOException {
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().equals(name))
                .toList();
    }
}
