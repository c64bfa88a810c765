package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.PrintStream;

/** JSON for other programs. */
final class Json {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().disable(StreamWriteFeature.AUTO_CLOSE_TARGET).build();

    private Json() {}

    /** Writes UTF-8 to a stream, which stays open when the generator is closed. */
    static JsonGenerator generator(PrintStream out) throws IOException {
        return FACTORY.createGenerator(out);
    }
}
