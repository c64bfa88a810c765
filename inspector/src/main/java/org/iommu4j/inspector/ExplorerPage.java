package org.iommu4j.inspector;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.DeflaterOutputStream;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.walker.PageTableFormat;

/**
 * A page in which an engineer explores address spaces: a map to zoom into, the tree of tables with
 * every bit of an entry in words, search by I/O virtual and physical address, and, of two states,
 * what changed. One file that opens from disk and needs no network.
 *
 * <p>Tables and leaves are packed as they come by; a million leaves are a page of a few megabytes.
 * An object of this class belongs to one thread.
 *
 * <pre>{@code
 * ExplorerPage page = new ExplorerPage("split.html", "one 4 KiB page taken out of 1 GiB");
 * page.state("before").add("vm", domain, format);
 * domain.unmap(0x3000, 0x1000);
 * page.state("after").add("vm", domain, format);
 * page.write(writer);
 * }</pre>
 */
public final class ExplorerPage {

    private static final List<String> LIBRARIES =
            List.of(
                    "d3-dispatch",
                    "d3-selection",
                    "d3-drag",
                    "d3-color",
                    "d3-interpolate",
                    "d3-timer",
                    "d3-ease",
                    "d3-transition",
                    "d3-zoom");
    private static final List<String> SCRIPTS =
            List.of(
                    "decode.js",
                    "compare.js",
                    "palette.js",
                    "scale.js",
                    "map.js",
                    "tree.js",
                    "details.js",
                    "explorer.js");
    private static final int MAX_STATES = 2;
    private static final int USERS_SHOWN = 6;

    private final String title;
    private final String lead;
    private final EntryKinds kinds = new EntryKinds();
    private final AtomicInteger room = new AtomicInteger(SpaceRecording.MAX_RECORDS);
    private final List<State> states = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();

    /**
     * Begins a page.
     *
     * @param title what it shows
     * @param lead one more line about that
     */
    public ExplorerPage(String title, String lead) {
        this.title = title;
        this.lead = lead;
    }

    /**
     * Begins a state: what the address spaces are at some moment.
     *
     * @param name its name, as in {@code before}
     * @return the state, without any address space yet
     * @throws IllegalStateException if there are two states already
     */
    public State state(String name) {
        if (states.size() == MAX_STATES) {
            throw new IllegalStateException("a page compares two states; this is a third");
        }
        State state = new State(name);
        states.add(state);
        return state;
    }

    /**
     * Adds what an inspection found.
     *
     * @param more the findings
     */
    public void findings(List<Finding> more) {
        findings.addAll(more);
    }

    /** The address spaces at one moment; those of the same name in two states are compared. */
    public final class State {
        private final String name;
        private final Map<String, Space> spaces = new LinkedHashMap<>();

        private State(String name) {
            this.name = name;
        }

        /**
         * Adds every address space of an inspection.
         *
         * @param inspection the inspection; its memory must still be open
         */
        public void add(Inspection inspection) {
            Map<AddressSpace, List<String>> users = new LinkedHashMap<>();
            for (DeviceTables device : inspection.devices()) {
                device.space()
                        .ifPresent(space ->
                                users.computeIfAbsent(space, s -> new ArrayList<>())
                                        .add(device.name()));
            }
            users.forEach((space, devices) ->
                    add(shortened(devices), space.format(), space.translation(), space::walk));
        }

        /**
         * Adds a domain that is in use, as its API shows it: leaves, and the tables that these
         * need.
         *
         * @param spaceName what it is called
         * @param domain the domain
         * @param format its page-table format
         */
        public void add(String spaceName, IommuDomain domain, PageTableFormat format) {
            SpaceRecording recording = new SpaceRecording(kinds, format, false, room);
            new LiveTables(recording, kinds, format).record(domain);
            put(spaceName, new Space(format.levels(), format.toString(), recording));
        }

        /**
         * Adds an address space from any source of tables and leaves.
         *
         * @param spaceName what it is called
         * @param format how entries are read
         * @param translation which stage they are
         * @param walk gives the tables and leaves, in ascending order, to the visitor it is called
         *     with
         */
        public void add(
                String spaceName,
                PageTableFormat format,
                Translation translation,
                Consumer<? super TableVisitor> walk) {
            SpaceRecording recording =
                    new SpaceRecording(kinds, format, translation.isFirstStage(), room);
            walk.accept(recording);
            put(
                    spaceName,
                    new Space(
                            format.levels(),
                            translation + ", " + format.levels() + " levels",
                            recording));
        }

        private void put(String spaceName, Space space) {
            if (spaces.putIfAbsent(spaceName, space) != null) {
                throw new IllegalArgumentException(
                        "state \"" + name + "\" has a space \"" + spaceName + "\" already");
            }
        }

        /** A space of another state, which does not exist in this one. */
        private Space spaceOrNone(String spaceName) {
            return spaces.getOrDefault(
                    spaceName,
                    new Space(
                            1,
                            "none",
                            new SpaceRecording(
                                    kinds,
                                    VtdTables.format(Translation.SECOND_STAGE, 4),
                                    false,
                                    room)));
        }
    }

    private static String shortened(List<String> devices) {
        int more = devices.size() - USERS_SHOWN;
        String shown = String.join(", ", devices.subList(0, Math.min(devices.size(), USERS_SHOWN)));
        return more > 0 ? shown + " and " + more + " more" : shown;
    }

    private record Space(int levels, String translation, SpaceRecording recording) {}

    /**
     * Writes the page.
     *
     * @param out where to
     * @throws IOException if that fails
     * @throws IllegalStateException if there is no state, or no space in any
     */
    public void write(Appendable out) throws IOException {
        List<String> names = names();
        if (names.isEmpty()) {
            throw new IllegalStateException("there is no address space to show");
        }
        HtmlPage page =
                new HtmlPage(title)
                        .style(PageLibrary.own("explorer.css"))
                        .body(PageLibrary.own("explorer.html"))
                        .data("facts", "application/json", facts(names))
                        .data("data", "application/octet-stream", packed(names));
        LIBRARIES.forEach(page::library);
        SCRIPTS.forEach(script -> page.script(PageLibrary.own(script)));
        page.write(out);
    }

    private List<String> names() {
        Set<String> names = new LinkedHashSet<>();
        states.forEach(state -> names.addAll(state.spaces.keySet()));
        return List.copyOf(names);
    }

    private String facts(List<String> names) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("title", title);
            json.writeStringField("lead", lead);
            json.writeNumberField("first", names.indexOf(fullest(names)));
            strings(json, "names", names);
            strings(json, "states", states.stream().map(state -> state.name).toList());
            json.writeArrayFieldStart("spaces");
            for (State state : states) {
                json.writeStartArray();
                for (String name : names) {
                    Space space = state.spaceOrNone(name);
                    json.writeStartObject();
                    json.writeNumberField("levels", space.levels());
                    json.writeStringField("translation", space.translation());
                    json.writeEndObject();
                }
                json.writeEndArray();
            }
            json.writeEndArray();
            findings(json);
            json.writeFieldName("attributes");
            kinds.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    private String fullest(List<String> names) {
        State last = states.getLast();
        return names.stream()
                .reduce(
                        names.getFirst(),
                        (best, name) ->
                                last.spaceOrNone(name).recording().leafCount()
                                                > last.spaceOrNone(best).recording().leafCount()
                                        ? name
                                        : best);
    }

    private void findings(JsonGenerator json) throws IOException {
        json.writeArrayFieldStart("findings");
        for (Finding finding : findings) {
            json.writeStartObject();
            json.writeStringField("severity", finding.severity().toString());
            json.writeStringField("what", finding.what());
            json.writeStringField("where", finding.where());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void strings(JsonGenerator json, String key, List<String> values)
            throws IOException {
        json.writeArrayFieldStart(key);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    private String packed(List<String> names) throws IOException {
        PackedNumbers numbers = new PackedNumbers();
        for (State state : states) {
            for (String name : names) {
                state.spaceOrNone(name).recording().appendTo(numbers);
            }
        }
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
            deflater.write(numbers.toByteArray());
        }
        return Base64.getEncoder().encodeToString(packed.toByteArray());
    }
}
