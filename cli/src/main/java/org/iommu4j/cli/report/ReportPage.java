package org.iommu4j.cli.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.iommu4j.inspector.HtmlPage;

/**
 * A page about one or several runs: a verdict, figures side by side, charts, and what the runs
 * were. One file that opens from disk and needs no network, in the style of every page of the
 * project. For one thread.
 *
 * @param <R> what is known of a run
 */
public final class ReportPage<R> {
    private static final String LIBRARY = "uplot";
    private static final List<String> SCRIPTS =
            List.of("format.js", "table.js", "chart.js", "report.js");

    private final String title;
    private final String lead;
    private final List<R> runs;
    private final List<String> runNames;
    private final List<Verdict> verdicts = new ArrayList<>();
    private final List<Row> rows = new ArrayList<>();
    private final List<Section> sections = new ArrayList<>();
    private final List<Fact> facts = new ArrayList<>();

    /** How something ended. */
    public enum Outcome {
        /** As it must. */
        GOOD,
        /** As it may, and a reader should know. */
        NOTABLE,
        /** As it must not. */
        BAD
    }

    private record Verdict(Outcome outcome, String text) {}

    private record Row(String name, Unit unit, List<Double> values) {}

    private record Section(String name, String note, List<Chart> charts, List<String> empty) {}

    /**
     * Something that the run was.
     *
     * @param name its name
     * @param value what it was
     */
    public record Fact(String name, String value) {}

    /**
     * Begins a page.
     *
     * @param title what ran
     * @param lead one more line about that
     * @param runs the runs, at least one
     * @param runNames how they are called
     */
    public ReportPage(String title, String lead, List<R> runs, List<String> runNames) {
        this.title = title;
        this.lead = lead;
        this.runs = List.copyOf(runs);
        this.runNames = List.copyOf(runNames);
    }

    /**
     * Adds a sentence that says how it ended.
     *
     * @param outcome how
     * @param text the sentence
     */
    public void verdict(Outcome outcome, String text) {
        verdicts.add(new Verdict(outcome, text));
    }

    /**
     * Adds a figure of every run.
     *
     * @param name what it is
     * @param unit its unit
     * @param value gives it
     */
    public void row(String name, Unit unit, ToDoubleFunction<R> value) {
        rows.add(new Row(name, unit, runs.stream().map(value::applyAsDouble).toList()));
    }

    /**
     * Begins a section.
     *
     * @param name its name
     * @param note a sentence about all of its charts
     */
    public void section(String name, String note) {
        sections.add(new Section(name, note, new ArrayList<>(), new ArrayList<>()));
    }

    /**
     * Adds a chart to the section begun last; of one that would show nothing but zeros, its title.
     *
     * @param chart the chart
     */
    public void chart(Chart chart) {
        Section section = sections.getLast();
        if (chart.isEmpty()) {
            section.empty().add(chart.title());
        } else {
            section.charts().add(chart);
        }
    }

    /**
     * Adds what the run was.
     *
     * @param more what is to be known of it
     */
    public void facts(List<Fact> more) {
        facts.addAll(more);
    }

    /**
     * Writes the page.
     *
     * @param out where to
     * @throws IOException if that fails
     */
    public void write(Appendable out) throws IOException {
        HtmlPage page =
                new HtmlPage(title)
                        .style(own("report.css"))
                        .body(own("report.html"))
                        .data("report", "application/json", json())
                        .library(LIBRARY);
        SCRIPTS.forEach(script -> page.script(own(script)));
        page.write(out);
    }

    private String json() throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("title", title);
            json.writeStringField("lead", lead);
            strings(json, "runs", runNames);
            objects(json, "verdicts", verdicts, ReportPage::write);
            objects(json, "rows", rows, ReportPage::write);
            objects(json, "sections", sections, ReportPage::write);
            objects(json, "facts", facts, ReportPage::write);
            json.writeEndObject();
        }
        return text.toString();
    }

    private static void write(JsonGenerator json, Verdict verdict) throws IOException {
        json.writeStringField("outcome", verdict.outcome().name().toLowerCase(Locale.ROOT));
        json.writeStringField("text", verdict.text());
    }

    private static void write(JsonGenerator json, Row row) throws IOException {
        json.writeStringField("name", row.name());
        json.writeStringField("unit", row.unit().toString());
        json.writeArrayFieldStart("values");
        for (double value : row.values()) {
            Chart.number(json, value);
        }
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, Section section) throws IOException {
        json.writeStringField("name", section.name());
        json.writeStringField("note", section.note());
        strings(json, "empty", section.empty());
        json.writeArrayFieldStart("charts");
        for (Chart chart : section.charts()) {
            chart.write(json);
        }
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, Fact fact) throws IOException {
        json.writeStringField("name", fact.name());
        json.writeStringField("value", fact.value());
    }

    /** Writes the fields of an object. */
    private interface Fields<T> {
        void write(JsonGenerator json, T value) throws IOException;
    }

    private static <T> void objects(
            JsonGenerator json, String name, List<T> values, Fields<T> fields) throws IOException {
        json.writeArrayFieldStart(name);
        for (T value : values) {
            json.writeStartObject();
            fields.write(json, value);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void strings(JsonGenerator json, String name, List<String> values)
            throws IOException {
        json.writeArrayFieldStart(name);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    private static String own(String file) {
        try (InputStream in =
                Objects.requireNonNull(ReportPage.class.getResourceAsStream(file), file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file + " of this module", e);
        }
    }
}
