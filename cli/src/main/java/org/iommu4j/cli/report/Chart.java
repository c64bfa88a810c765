package org.iommu4j.cli.report;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A chart of a page: a title, two axes with their units, and a line or bars for each series. NaN is
 * no value.
 */
public final class Chart {
    private static final double DIGITS = 1e6;

    private final Kind kind;
    private final String title;
    private final String xName;
    private final List<String> labels;
    private final String yName;
    private final Unit yUnit;
    private final List<Series> series = new ArrayList<>();
    private String note = "";
    private Optional<String> scale = Optional.empty();

    /** How values are drawn. */
    private enum Kind {
        /** A line through what was at some moments. */
        LEVELS,
        /** Steps: what happened between one moment and the next. */
        RATES,
        /** Bars beside each other at each label. */
        BARS,
        /** A line through what belongs to each label, on a logarithmic axis. */
        LOGARITHMIC
    }

    @SuppressWarnings("ArrayRecordComponent") // drawn, not compared
    private record Series(String name, Optional<TimeAxis> time, double[] values) {
        /** The value at a moment; NaN if there is none. */
        double at(double moment) {
            int place = Arrays.binarySearch(time.orElseThrow().values(), moment);
            return place < 0 ? Double.NaN : values[place];
        }
    }

    private Chart(
            Kind kind, String title, String xName, List<String> labels, String yName, Unit yUnit) {
        this.kind = kind;
        this.title = title;
        this.xName = xName;
        this.labels = labels;
        this.yName = yName;
        this.yUnit = yUnit;
    }

    /**
     * A chart of what there was at each moment.
     *
     * @param title its title
     * @param yName what is counted
     * @param yUnit in which unit
     */
    public static Chart levels(String title, String yName, Unit yUnit) {
        return new Chart(Kind.LEVELS, title, "", List.of(), yName, yUnit);
    }

    /**
     * A chart of what happened between one moment and the next.
     *
     * @param title its title
     * @param yName what is counted
     * @param yUnit in which unit
     */
    public static Chart rates(String title, String yName, Unit yUnit) {
        return new Chart(Kind.RATES, title, "", List.of(), yName, yUnit);
    }

    /**
     * A chart of bars.
     *
     * @param title its title
     * @param xName what the labels are
     * @param labels one for each place
     * @param yName what is counted
     * @param yUnit in which unit
     */
    public static Chart bars(
            String title, String xName, List<String> labels, String yName, Unit yUnit) {
        return new Chart(Kind.BARS, title, xName, labels, yName, yUnit);
    }

    /**
     * A chart of lines, to a logarithmic scale.
     *
     * @param title its title
     * @param xName what the labels are
     * @param labels one for each place
     * @param yName what is counted
     * @param yUnit in which unit
     */
    public static Chart logarithmic(
            String title, String xName, List<String> labels, String yName, Unit yUnit) {
        return new Chart(Kind.LOGARITHMIC, title, xName, labels, yName, yUnit);
    }

    /**
     * Adds a sentence under the title: what a reader must know to read the chart.
     *
     * @param sentence the sentence
     * @return this
     */
    public Chart note(String sentence) {
        note = sentence;
        return this;
    }

    /**
     * Draws this to the same scale as all others of the same word.
     *
     * @param word any word
     * @return this
     */
    public Chart scale(String word) {
        scale = Optional.of(word);
        return this;
    }

    /**
     * Adds a series with a value for each label.
     *
     * @param name its name in the legend
     * @param values the values; what is missing at the end is none
     * @return this
     */
    public Chart add(String name, double[] values) {
        series.add(new Series(name, Optional.empty(), values.clone()));
        return this;
    }

    /**
     * Adds a series with a value for each of some moments; others may have other moments.
     *
     * @param name its name in the legend
     * @param time the moments
     * @param values as many values
     * @return this
     */
    public Chart add(String name, TimeAxis time, double[] values) {
        series.add(new Series(name, Optional.of(time), values.clone()));
        return this;
    }

    /** {@return its title} */
    String title() {
        return title;
    }

    /** {@return whether there is nothing but zeros to draw} */
    boolean isEmpty() {
        return series.stream()
                .flatMapToDouble(each -> Arrays.stream(each.values))
                .allMatch(value -> Double.isNaN(value) || value == 0);
    }

    /** Writes it for the page's scripts. */
    void write(JsonGenerator json) throws IOException {
        json.writeStartObject();
        json.writeStringField("kind", kind.name().toLowerCase(Locale.ROOT));
        json.writeStringField("title", title);
        json.writeStringField("note", note);
        if (scale.isPresent()) {
            json.writeStringField("scale", scale.get());
        }
        double[] moments =
                series.stream()
                        .flatMap(each -> each.time().stream())
                        .flatMapToDouble(time -> Arrays.stream(time.values()))
                        .sorted()
                        .distinct()
                        .toArray();
        json.writeFieldName("x");
        places(json, moments);
        json.writeObjectFieldStart("y");
        json.writeStringField("name", yName);
        json.writeStringField("unit", yUnit.toString());
        json.writeEndObject();
        json.writeArrayFieldStart("series");
        for (Series each : series) {
            json.writeStartObject();
            json.writeStringField("name", each.name());
            json.writeFieldName("values");
            numbers(
                    json,
                    labels.isEmpty()
                            ? Arrays.stream(moments).map(each::at).toArray()
                            : each.values());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void places(JsonGenerator json, double[] moments) throws IOException {
        Optional<TimeAxis> time = series.getFirst().time();
        json.writeStartObject();
        json.writeStringField("name", time.map(TimeAxis::name).orElse(xName));
        json.writeStringField("unit", time.map(TimeAxis::unit).orElse(Unit.COUNT).toString());
        if (labels.isEmpty()) {
            json.writeFieldName("values");
            numbers(json, moments);
        } else {
            json.writeArrayFieldStart("labels");
            for (String label : labels) {
                json.writeString(label);
            }
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    private static void numbers(JsonGenerator json, double[] values) throws IOException {
        json.writeStartArray();
        for (double value : values) {
            number(json, value);
        }
        json.writeEndArray();
    }

    /** A whole number in full, another one with as many digits as a reader may want. */
    static void number(JsonGenerator json, double value) throws IOException {
        if (Double.isNaN(value)) {
            json.writeNull();
        } else if (value == Math.rint(value)) {
            json.writeNumber((long) value);
        } else {
            json.writeNumber(Math.round(value * DIGITS) / DIGITS);
        }
    }
}
