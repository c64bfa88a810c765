package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
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
    private static final double SECONDS = 0.5;

    @TempDir private Path folder;

    @Test
    void aRecordingOfSwapShowsItsSplits() throws IOException {
        Path file = folder.resolve("swap.jfr");
        CommandRun run =
                LongEnough.run(
                        SECONDS,
                        seconds -> {
                            CommandRun next =
                                    swap(seconds, "--split", "hitless", "--json", "--record", file);
                            assertThat(next.err()).isEmpty();
                            assertThat(next.exitCode()).isZero();
                            return next;
                        },
                        _ ->
                                isRecorded(file, "org.iommu4j.Split")
                                        && isRecorded(file, "org.iommu4j.PageRequest"));
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
        LongEnough.run(
                SECONDS,
                seconds ->
                        swap(
                                seconds,
                                "--split",
                                "unmap-map",
                                "--faults",
                                "fatal",
                                "--record",
                                file),
                _ -> isRecorded(file, "org.iommu4j.Fault"));
        assertThat(events(file, "org.iommu4j.Split")).isEmpty();
        assertThat(events(file, "org.iommu4j.Fault"))
                .isNotEmpty()
                .anySatisfy(fault ->
                        assertThat(fault.getString("explanation")).startsWith("domain 0x"));
    }

    @Test
    void whatCannotBeWrittenIsBadUsage() {
        Path nowhere = folder.resolve("no").resolve("folder").resolve("swap.jfr");
        CommandRun run = swap(SECONDS, "--record", nowhere);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("iommu4j swap: --record " + nowhere + ": there is no folder");
        assertThat(Files.exists(nowhere)).isFalse();
    }

    private static CommandRun swap(double seconds, Object... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of("swap", "--memory", "8m", "--seconds", Double.toString(seconds)));
        for (Object each : more) {
            arguments.add(each.toString());
        }
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    private static boolean isRecorded(Path file, String name) {
        try {
            return !events(file, name).isEmpty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<RecordedEvent> events(Path file, String name) throws IOException {
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().equals(name))
                .toList();
    }
}
