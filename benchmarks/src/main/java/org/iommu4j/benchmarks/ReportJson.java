package org.iommu4j.benchmarks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.OptionalDouble;

/** Prints a report for a program: one object, in which what does not apply is null. */
final class ReportJson {

    private static final double THOUSAND = 1000;

    private final Report report;

    ReportJson(Report report) {
        this.report = report;
    }

    void print(PrintWriter out) {
        JsonFactory factory =
                JsonFactory.builder()
                        .disable(com.fasterxml.jackson.core.StreamWriteFeature.AUTO_CLOSE_TARGET)
                        .build();
        try (JsonGenerator json = factory.createGenerator(out)) {
            json.setPrettyPrinter(new DefaultPrettyPrinter());
            json.writeStartObject();
            writeMachine(json);
            json.writeArrayFieldStart("rows");
            for (Figure figure : report.figures()) {
                writeRow(json, figure);
            }
            json.writeEndArray();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println();
        out.flush();
    }

    private void writeMachine(JsonGenerator json) throws IOException {
        Host host = report.host();
        json.writeObjectFieldStart("machine");
        json.writeStringField("processor", host.processor());
        json.writeNumberField("processors", host.processors());
        json.writeStringField("system", host.system());
        json.writeStringField("java", host.java());
        OptionalDouble none = OptionalDouble.empty();
        write(json, "cFloorNanos", report.c().map(c -> OptionalDouble.of(c.zeroed())).orElse(none));
        write(json, "cFillNanos", report.c().map(c -> OptionalDouble.of(c.many())).orElse(none));
        write(json, "timeOfPeersMachine", report.scale());
        json.writeEndObject();
    }

    private void writeRow(JsonGenerator json, Figure figure) throws IOException {
        json.writeStartObject();
        json.writeStringField("operation", figure.row().operation());
        json.writeNumberField("nanos", rounded(figure.nanos()));
        write(json, "ratioToFloor", report.ratioToFloor(figure));
        write(json, "ratioToPeer", report.ratioToPeer(figure));
        if (figure.row().budget().isPresent()) {
            Budget budget = figure.row().budget().get();
            json.writeNumberField("budget", rounded(budget.limit()));
            json.writeStringField("budgetOf", budget.of());
            json.writeBooleanField("withinBudget", report.isWithinBudget(figure));
        } else {
            json.writeNullField("budget");
            json.writeNullField("budgetOf");
            json.writeNullField("withinBudget");
        }
        json.writeNumberField("bytesPerOperation", Math.round(figure.bytes()));
        if (figure.row().emptyTables().isPresent()) {
            int count = Integer.parseInt(figure.row().emptyTables().get());
            json.writeNumberField("emptyTables", count);
        } else {
            json.writeNullField("emptyTables");
        }
        write(json, "speedUp", report.speedUp(figure));
        json.writeEndObject();
    }

    private static void write(JsonGenerator json, String name, OptionalDouble value)
            throws IOException {
        if (value.isPresent()) {
            json.writeNumberField(name, rounded(value.getAsDouble()));
        } else {
            json.writeNullField(name);
        }
    }

    private static double rounded(double value) {
        return Math.round(value * THOUSAND) / THOUSAND;
    }
}
