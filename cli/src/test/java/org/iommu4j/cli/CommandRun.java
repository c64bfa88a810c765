package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.iommu4j.api.Iommu;
import org.iommu4j.cli.vm.Machines;

/**
 * A run of the command inside the test.
 *
 * @param exitCode its exit code
 * @param out what it printed to standard output
 * @param err what it printed to standard error
 */
record CommandRun(int exitCode, String out, String err) {
    static CommandRun of(String... arguments) {
        return of(InputStream.nullInputStream(), Iommu::open, arguments);
    }

    static CommandRun of(InputStream in, String... arguments) {
        return of(in, Iommu::open, arguments);
    }

    static CommandRun of(InputStream in, IommuOpener opener, String... arguments) {
        return of(in, opener, CliComponent.Services.machines(), arguments);
    }

    static CommandRun of(
            InputStream in, IommuOpener opener, Machines machines, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Streams streams = new Streams(in, print(out), print(err), false);
        ReplayCommand replay = new ReplayCommand(streams, opener, machines);
        SwapCommand swap = new SwapCommand(streams, opener, machines);
        MigrateCommand migrate = new MigrateCommand(streams, opener, machines);
        ConformCommand conform = new ConformCommand(streams, machines);
        ListCommand list = new ListCommand(streams);
        InspectCommand inspect = new InspectCommand(streams);
        int exitCode =
                new CommandTree(
                                streams,
                                new RootCommand(),
                                replay,
                                inspect,
                                swap,
                                migrate,
                                conform,
                                list)
                        .execute(arguments);
        return new CommandRun(
                exitCode,
                out.toString(StandardCharsets.UTF_8),
                err.toString(StandardCharsets.UTF_8));
    }

    /**
     * The JSON object printed: the value of each member by its path, as in {@code live.leaves.4k}.
     */
    Map<String, String> json() {
        Map<String, String> members = new LinkedHashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(out)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isScalarValue()) {
                    String path = parser.getParsingContext().pathAsPointer().toString();
                    members.put(path.substring(1).replace('/', '.'), parser.getText());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return members;
    }

    private static PrintStream print(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }
}
