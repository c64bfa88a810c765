package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.iommu4j.cli.migrate.MigrateSettings;
import org.iommu4j.cli.migrate.MigrationReport;

/** What migrations showed as one JSON object on one line. */
final class MigrateJson {
    private MigrateJson() {}

    static void print(
            MigrateSettings settings,
            List<MigrationReport> reports,
            boolean interrupted,
            PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            json.writeStartObject();
            Json.settings(json, settings.vm());
            json.writeBooleanField("interrupted", interrupted);
            json.writeArrayFieldStart("runs");
            for (MigrationReport report : reports) {
                run(json, report);
            }
            json.writeEndArray();
            json.writeArrayFieldStart("firstWrong");
            for (MigrationReport report : reports) {
                for (String wrong : report.firstWrong()) {
                    json.writeString(PageSize.text(report.granularity()) + ": " + wrong);
                }
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        out.println();
    }

    private static void run(JsonGenerator json, MigrationReport report) throws IOException {
        json.writeStartObject();
        json.writeNumberField("granularity", report.granularity());
        json.writeNumberField("rounds", report.rounds());
        json.writeNumberField("bytesCopied", report.bytesCopied());
        json.writeNumberField("bytesCopiedStopped", report.lastBytes());
        json.writeNumberField("seconds", report.seconds());
        json.writeNumberField("stoppedMillis", report.stoppedMillis());
        json.writeBooleanField("copyEqual", report.copyEqual());
        json.writeNumberField("differingPages", report.differingPages());
        json.writeNumberField("wrongData", report.wrongData());
        json.writeNumberField("violations", report.violations());
        json.writeNumberField("writes", report.writes());
        json.writeNumberField("faults", report.faults());
        json.writeObjectFieldStart("tablePages");
        json.writeNumberField("before", report.tables().before());
        json.writeNumberField("peak", report.tables().peak());
        json.writeNumberField("after", report.tables().after());
        json.writeEndObject();
        json.writeEndObject();
    }
}
