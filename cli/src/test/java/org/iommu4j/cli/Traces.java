package org.iommu4j.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Traces for tests: lines as ftrace prints them, and the real ones. */
final class Traces {
    private Traces() {}

    static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    static TraceReader reader(String text) {
        return new TraceReader(stream(text));
    }

    /** Every event of a trace, each a copy. */
    static List<TraceEvent> events(TraceReader reader) {
        List<TraceEvent> events = new ArrayList<>();
        try {
            TraceEvent event = new TraceEvent();
            while (reader.next(event)) {
                events.add(event);
                event = new TraceEvent();
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return events;
    }

    static String map(String task, long iova, long outputAddress, long size) {
        return line(
                task,
                "map: IOMMU: iova=0x%016x - 0x%016x paddr=0x%016x size=%d",
                iova,
                iova + size,
                outputAddress,
                size);
    }

    static String unmap(String task, long iova, long size, long unmapped) {
        return line(
                task,
                "unmap: IOMMU: iova=0x%016x - 0x%016x size=%d unmapped_size=%d",
                iova,
                iova + size,
                size,
                unmapped);
    }

    /** What VT-d logs when it flushes a map ("_np") or an unmap (""). */
    static String flush(String task, String kind, int domain, long iova, long size) {
        return line(
                task,
                "cache_tag_flush_range%s: dmar0 0000:00:05.0[0] type iotlb did %d [0x%x-0x%x]"
                        + " addr 0x%x pages 0x1 mask 0x0",
                kind,
                domain,
                iova,
                iova + size - 1,
                iova);
    }

    /** One of the five real traces. */
    static InputStream real(String name) {
        return Objects.requireNonNull(Traces.class.getResourceAsStream(name), name);
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private static String line(String task, String format, Object... values) {
        return String.format(Locale.ROOT, "%21s [000] d.h1.     1.500000: ", task)
                + String.format(Locale.ROOT, format, values)
                + "\n";
    }
}
