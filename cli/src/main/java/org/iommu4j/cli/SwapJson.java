package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.cli.swap.StrategyReport;
import org.iommu4j.cli.swap.SwapSettings;

/** What the swap scenario showed as one JSON object on one line. */
final class SwapJson {
    private SwapJson() {}

    static void print(
            SwapSettings settings,
            List<StrategyReport> reports,
            boolean interrupted,
            PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            json.writeStartObject();
            settings(json, settings);
            json.writeBooleanField("interrupted", interrupted);
            json.writeArrayFieldStart("strategies");
            for (StrategyReport report : reports) {
                strategy(json, report);
            }
            json.writeEndArray();
            messages(json, reports);
            json.writeEndObject();
        }
        out.println();
    }

    private static void settings(JsonGenerator json, SwapSettings settings) throws IOException {
        Json.settings(json, settings.vm());
        json.writeStringField("flush", settings.flush());
        json.writeNumberField("workingSet", settings.workingSet());
    }

    private static void strategy(JsonGenerator json, StrategyReport report) throws IOException {
        json.writeStartObject();
        json.writeStringField("name", report.strategy().toString());
        json.writeNumberField("dmas", report.dmas());
        json.writeNumberField("expectedFaults", report.expectedFaults());
        json.writeNumberField("spuriousFaults", report.spuriousFaults());
        json.writeNumberField("wrongData", report.wrongData());
        json.writeNumberField("violations", report.violations());
        json.writeNumberField("splits", report.statistics().splits());
        json.writeNumberField("tablePages", report.statistics().tablePages());
        json.writeNumberField("invalidations", report.invalidations());
        json.writeNumberField("swaps", report.swaps());
        json.writeStringField("faults", report.faults().toString());
        json.writeStringField("swapIn", report.swapIn().toString());
        json.writeNumberField("pageRequests", report.pageRequests());
        json.writeObjectFieldStart("tables");
        tables(json, "before", report.tables().before());
        tables(json, "worst", report.tables().worst());
        tables(json, "after", report.tables().after());
        json.writeEndObject();
        percentiles(json, "latencyNanos", report.latency());
        percentiles(json, "faultServiceNanos", report.faultService());
        json.writeEndObject();
    }

    private static void tables(JsonGenerator json, String when, DomainStatistics held)
            throws IOException {
        json.writeObjectFieldStart(when);
        json.writeNumberField("tablePages", held.tablePages());
        Json.leaves(json, held.leaves());
        json.writeEndObject();
    }

    private static void percentiles(JsonGenerator json, String name, Histogram histogram)
            throws IOException {
        json.writeObjectFieldStart(name);
        json.writeNumberField("p50", histogram.getValueAtPercentile(50));
        json.writeNumberField("p99", histogram.getValueAtPercentile(99));
        json.writeNumberField("p999", histogram.getValueAtPercentile(99.9));
        json.writeNumberField("max", histogram.getMaxValue());
        json.writeEndObject();
    }

    private static void messages(JsonGenerator json, List<StrategyReport> reports)
            throws IOException {
        json.writeArrayFieldStart("firstWrong");
        for (StrategyReport report : reports) {
            for (String wrong : report.firstWrong()) {
                json.writeString(report.strategy() + ": " + wrong);
            }
        }
        json.writeEndArray();
    }
}
