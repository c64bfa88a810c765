package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.iommu4j.inspector.AddressSpace;
import org.iommu4j.inspector.DeviceTables;
import org.iommu4j.inspector.Explanation;
import org.iommu4j.inspector.Explanation.Outcome;
import org.iommu4j.inspector.Explanation.Step;
import org.iommu4j.inspector.Finding;
import org.iommu4j.inspector.Inspection;
import org.iommu4j.inspector.PhysicalImage;
import org.iommu4j.inspector.RootPointer;
import org.iommu4j.inspector.RootTables.Candidate;

/** What was found in an image as one JSON object on one line. */
final class InspectJson {
    private final JsonGenerator json;

    private InspectJson(JsonGenerator json) {
        this.json = json;
    }

    static void print(
            String name,
            PhysicalImage image,
            List<Candidate> candidates,
            Inspection inspection,
            PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            InspectJson writer = new InspectJson(json);
            json.writeStartObject();
            json.writeStringField("image", name);
            writer.root(inspection.root());
            writer.devices(inspection.devices());
            writer.findings(inspection.findings());
            writer.furtherKeys(image, candidates, inspection);
            json.writeEndObject();
        }
        out.println();
    }

    static void print(RootPointer root, Explanation explanation, PrintStream out)
            throws IOException {
        try (JsonGenerator json = Json.generator(out)) {
            InspectJson writer = new InspectJson(json);
            json.writeStartObject();
            writer.root(root);
            writer.explanation(explanation);
            json.writeEndObject();
        }
        out.println();
    }

    private void root(RootPointer root) throws IOException {
        json.writeStringField("mode", root.mode().toString());
        json.writeStringField("rtaddr", root.toString());
    }

    private void devices(List<DeviceTables> devices) throws IOException {
        json.writeArrayFieldStart("devices");
        for (DeviceTables device : devices) {
            json.writeStartObject();
            json.writeStringField("device", DeviceTables.deviceName(device.device()));
            pasid(device);
            json.writeStringField("stage", device.translation().code());
            json.writeNumberField("levels", device.levels());
            json.writeStringField("root", hex(device.root()));
            json.writeNumberField("domainId", device.domainId());
            json.writeBooleanField(
                    "sharesTablesOfEarlierDevice", device.sharesTablesOfEarlierDevice());
            counts(device);
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void pasid(DeviceTables device) throws IOException {
        if (device.pasid().isPresent()) {
            json.writeNumberField("pasid", device.pasid().getAsInt());
        } else {
            json.writeNullField("pasid");
        }
    }

    /** Tables that an earlier device has too are counted there. */
    private void counts(DeviceTables device) throws IOException {
        boolean counted = !device.sharesTablesOfEarlierDevice() && device.space().isPresent();
        json.writeNumberField(
                "tablePages", counted ? device.space().orElseThrow().tablePages() : 0);
        json.writeObjectFieldStart("leaves");
        for (PageSize size : PageSize.values()) {
            long leaves =
                    counted
                            ? device.space().orElseThrow().leaves().getOrDefault(size.bytes(), 0L)
                            : 0;
            json.writeNumberField(Long.toString(size.bytes()), leaves);
        }
        json.writeEndObject();
    }

    private void findings(List<Finding> findings) throws IOException {
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

    /** What is beyond the keys that were promised. */
    private void furtherKeys(PhysicalImage image, List<Candidate> candidates, Inspection inspection)
            throws IOException {
        json.writeStringField("format", image.format());
        json.writeNumberField("imageBytes", image.bytes());
        json.writeArrayFieldStart("spaces");
        for (AddressSpace space : inspection.spaces()) {
            json.writeStartObject();
            json.writeStringField("users", space.users());
            json.writeStringField("root", hex(space.root()));
            json.writeNumberField("bytesMapped", space.mappedBytes());
            json.writeNumberField("runs", space.runs().size() + space.omittedRuns());
            json.writeNumberField("accessed", space.accessed());
            json.writeNumberField("dirty", space.dirty());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayFieldStart("rootTables");
        for (Candidate candidate : candidates) {
            json.writeStartObject();
            json.writeStringField("rtaddr", candidate.root().toString());
            json.writeStringField("mode", candidate.root().mode().toString());
            json.writeNumberField("contexts", candidate.contexts());
            json.writeNumberField("score", candidate.score());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private void explanation(Explanation explanation) throws IOException {
        json.writeStringField("device", DeviceTables.deviceName(explanation.device()));
        if (explanation.pasid().isPresent()) {
            json.writeNumberField("pasid", explanation.pasid().getAsInt());
        } else {
            json.writeNullField("pasid");
        }
        json.writeStringField("iova", hex(explanation.iova()));
        json.writeArrayFieldStart("steps");
        for (Step step : explanation.steps()) {
            json.writeStartObject();
            json.writeStringField("structure", step.structure());
            json.writeStringField("address", hex(step.address()));
            json.writeArrayFieldStart("words");
            for (long word : step.words()) {
                json.writeString(hex(word));
            }
            json.writeEndArray();
            json.writeStringField("meaning", step.meaning());
            json.writeEndObject();
        }
        json.writeEndArray();
        for (Map.Entry<String, Outcome> end :
                List.of(
                        Map.entry("read", explanation.read()),
                        Map.entry("write", explanation.write()))) {
            json.writeObjectFieldStart(end.getKey());
            outcome(end.getValue());
            json.writeEndObject();
        }
    }

    private void outcome(Outcome outcome) throws IOException {
        if (outcome.output().isPresent()) {
            json.writeStringField("output", hex(outcome.output().getAsLong()));
        } else {
            json.writeStringField("fault", hex(outcome.fault().orElseThrow().code()));
            json.writeStringField("reason", outcome.fault().orElseThrow().words());
        }
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}
