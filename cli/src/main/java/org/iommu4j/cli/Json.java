package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Map;
import org.iommu4j.cli.vm.VmSettings;

/** JSON for other programs. */
final class Json {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

    private Json() {}

    /** Writes UTF-8 to a stream, which stays open when the generator is closed. */
    static JsonGenerator generator(PrintStream out) throws IOException {
        return FACTORY.createGenerator(out);
    }

    /** Writes how many leaves of each size there are. */
    static void leaves(JsonGenerator json, Map<Long, Long> leaves) throws IOException {
        json.writeObjectFieldStart("leaves");
        for (PageSize size : PageSize.values()) {
            long count = leaves.getOrDefault(size.bytes(), 0L);
            json.writeNumberField(PageSize.text(size.bytes()), count);
        }
        json.writeEndObject();
    }

    /** Writes what a VM and its machine are. */
    static void settings(JsonGenerator json, VmSettings vm) throws IOException {
        json.writeStringField("machine", vm.machine());
        json.writeStringField("backend", vm.backend());
        json.writeBooleanField("sanitizer", vm.sanitizer());
        json.writeNumberField("memory", vm.memory());
        json.writeNumberField("page", vm.page());
        json.writeNumberField("devices", vm.devices());
        json.writeNumberField("seconds", vm.duration().toMillis() / 1e3);
        json.writeNumberField("seed", vm.seed());
    }
}
