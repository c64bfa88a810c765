package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;

/** A replay's report as one JSON object on one line. */
final class ReplayJson {
    private final JsonGenerator json;
    private final ReplayReport report;
    private final ReplayCounts counts;

    private ReplayJson(JsonGenerator json, ReplayReport report) {
        this.json = json;
        this.report = report;
        this.counts = report.counts();
    }

    static void print(String trace, ReplayReport report, PrintStream out) throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            new ReplayJson(json, report).write(trace);
        }
        out.println();
    }

    /** Prints several replays of one trace as an object with a list of them. */
    static void print(String trace, List<ReplayReport> reports, PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            json.writeStartObject();
            json.writeStringField("trace", trace);
            json.writeArrayFieldStart("replays");
            for (ReplayReport report : reports) {
                new ReplayJson(json, report).write(trace);
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        out.println();
    }

    private void write(String trace) throws IOException {
        json.writeStartObject();
        json.writeStringField("trace", trace);
        events();
        json.writeNumberField("domains", report.domains());
        json.writeNumberField("ambiguous", report.ambiguous());
        json.writeNumberField("unknownUnmaps", counts.unknownUnmaps);
        json.writeNumberField("bytesMapped", counts.bytesMapped);
        json.writeNumberField("bytesUnmapped", counts.bytesUnmapped);
        json.writeNumberField("overUnmapAvoidedBytes", counts.overUnmapAvoidedBytes);
        live();
        tables();
        json.writeNumberField("splits", report.splits());
        invalidations();
        json.writeNumberField("violations", counts.violations.count());
        json.writeNumberField("seconds", rounded(report.seconds()));
        json.writeNumberField("eventsPerSecond", Math.round(report.eventsPerSecond()));
        json.writeNumberField("heldPages", report.heldPages());
        json.writeNumberField("reuseWaits", counts.reuseWaits);
        furtherKeys();
        json.writeEndObject();
    }

    private void events() throws IOException {
        json.writeObjectFieldStart("events");
        json.writeNumberField("map", counts.map);
        json.writeNumberField("unmap", counts.unmap);
        json.writeNumberField("failed", counts.failed);
        json.writeNumberField("ignored", report.ignored());
        json.writeNumberField("malformed", report.malformed());
        json.writeEndObject();
    }

    private void live() throws IOException {
        json.writeObjectFieldStart("live");
        json.writeNumberField("pages4k", report.livePages());
        Json.leaves(json, report.leaves());
        json.writeEndObject();
    }

    private void tables() throws IOException {
        json.writeObjectFieldStart("tables");
        json.writeNumberField("pages", report.tablePages());
        json.writeNumberField("peakPages", report.peakTablePages());
        json.writeEndObject();
    }

    private void invalidations() throws IOException {
        json.writeObjectFieldStart("invalidations");
        json.writeNumberField("page", report.invalidations().page());
        json.writeNumberField("domain", report.invalidations().domain());
        json.writeNumberField("global", report.invalidations().global());
        json.writeEndObject();
    }

    /** What is beyond the keys that were promised. */
    private void furtherKeys() throws IOException {
        json.writeNumberField("lines", report.lines());
        for (Map.Entry<String, Long> count : report.furtherCounts().entrySet()) {
            json.writeNumberField(count.getKey(), count.getValue());
        }
        json.writeNumberField("heldPages", report.heldPages());
        json.writeNumberField("reuseWaits", counts.reuseWaits);
        if (report.firstMalformed().isPresent()) {
            json.writeStringField("firstMalformed", report.firstMalformed().get());
        }
        strings("domainNames", report.domainNames());
        strings("firstViolations", counts.violations.first());
        json.writeStringField("backend", report.settings().backend());
        json.writeStringField("machine", report.settings().machine());
        json.writeStringField("pageSizes", PageSize.text(report.settings().pageSizes()));
        json.writeStringField("partialUnmap", report.settings().partialUnmapName());
        json.writeStringField("coalesce", report.settings().coalesceText());
        json.writeStringField("flush", report.settings().flush());
    }

    private void strings(String key, Iterable<String> values) throws IOException {
        json.writeArrayFieldStart(key);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    private static double rounded(double seconds) {
        return Math.round(seconds * 1e6) / 1e6;
    }
}
