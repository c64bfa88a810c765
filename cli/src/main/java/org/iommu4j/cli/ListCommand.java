package org.iommu4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import jakarta.inject.Inject;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.iommu4j.api.Iommu;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.MachineProvider;
import org.iommu4j.machine.Provider;
import org.iommu4j.walker.TableAllocatorProvider;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code iommu4j list}: what there is to choose from. */
@Command(
        name = "list",
        description = {
            "Lists the backends, machines and policies found on the module path, each with its module"
                    + " and version. Of each kind the first is the one used if none is named.",
            ""
        })
final class ListCommand implements Callable<Integer> {
    private final Streams streams;

    @Option(names = "--json", description = "Print one JSON object instead of a table.")
    private boolean json;

    @Inject
    ListCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        List<Kind> kinds =
                List.of(
                        new Kind("backend", "backends", Iommu.providers()),
                        new Kind("machine", "machines", MachineProvider.providers()),
                        new Kind("flush policy", "flushPolicies", FlushPolicyProvider.providers()),
                        new Kind(
                                "cache flusher", "cacheFlushers", CacheFlusherProvider.providers()),
                        new Kind(
                                "table allocator",
                                "tableAllocators",
                                TableAllocatorProvider.providers()));
        if (json) {
            printJson(kinds);
        } else {
            kinds.forEach(this::printRows);
        }
        return 0;
    }

    private void printRows(Kind kind) {
        for (Provider provider : kind.providers()) {
            Origin origin = Origin.of(provider);
            row(kind.name(), provider.name(), provider.rank(), origin.module(), origin.version());
        }
        if (kind.providers().isEmpty()) {
            row(kind.name(), "none found", "", "", "");
        }
    }

    private void row(Object... cells) {
        String line = String.format(Locale.ROOT, "%-16s %-12s %5s  %-24s %s", cells);
        streams.out().println(line.stripTrailing());
    }

    private void printJson(List<Kind> kinds) throws IOException {
        try (JsonGenerator generator = Json.generator(streams.out())) {
            generator.writeStartObject();
            for (Kind kind : kinds) {
                generator.writeArrayFieldStart(kind.key());
                for (Provider provider : kind.providers()) {
                    writeProvider(generator, provider);
                }
                generator.writeEndArray();
            }
            generator.writeEndObject();
        }
        streams.out().println();
    }

    private static void writeProvider(JsonGenerator generator, Provider provider)
            throws IOException {
        Origin origin = Origin.of(provider);
        generator.writeStartObject();
        generator.writeStringField("name", provider.name());
        generator.writeNumberField("rank", provider.rank());
        generator.writeStringField("module", origin.module());
        generator.writeStringField("version", origin.version());
        generator.writeEndObject();
    }

    /** Providers of one service type, in the order in which they are preferred. */
    private record Kind(String name, String key, List<? extends Provider> providers) {}

    /**
     * Where a provider's class comes from. On the class path there is neither module nor version.
     */
    private record Origin(String module, String version) {
        static Origin of(Provider provider) {
            Module module = provider.getClass().getModule();
            if (!module.isNamed()) {
                return new Origin("(class path)", "");
            }
            return new Origin(
                    module.getName(), module.getDescriptor().rawVersion().orElse("unknown"));
        }
    }
}
