package org.iommu4j.emulator;

import java.util.Optional;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Witness;
import org.jspecify.annotations.Nullable;

/**
 * What stands between software and the units of a machine, and who listens there.
 *
 * @param memory the memory as software gets it
 * @param views the tables as a unit sees them
 * @param audit who hears what the units do; null if nobody does
 * @param witness who hears what software believes
 * @param sanitizer what was found
 */
record Oversight(
        PhysicalMemory memory,
        TableViews views,
        @Nullable Audit audit,
        Witness witness,
        Optional<Sanitizer> sanitizer) {

    /**
     * Sets up what a machine's options ask for.
     *
     * @param options the machine's options
     * @param raw the whole memory of the machine
     */
    static Oversight of(EmulatorOptions options, PhysicalMemory raw) {
        long start = options.memory();
        long bytes = options.tableMemory();
        Moments moments = new Moments();
        Lag lag = lag(options, raw, moments);
        TranslationSanitizer sanitizer =
                options.sanitizer() ? new TranslationSanitizer(options, raw, moments, lag) : null;
        LiveEntries entries = sanitizer == null ? null : sanitizer.entries();
        return new Oversight(
                lag == null && entries == null
                        ? raw
                        : raw.observedBy(new SoftwareView(start, bytes, entries, lag)),
                views(options, raw, lag),
                sanitizer == null ? null : sanitizer.audit(),
                sanitizer == null ? Witness.NONE : sanitizer,
                Optional.ofNullable(sanitizer));
    }

    private static TableViews views(
            EmulatorOptions options, PhysicalMemory raw, @Nullable Lag lag) {
        WalkMemory memory = new SnoopedMemory(raw);
        WalkMemory plain = lag == null ? memory : lag;
        /* What waits in a write buffer is in no cache that could be snooped. */
        WalkMemory snooped = lag instanceof WriteBuffer ? lag : memory;
        return new TableViews(plain, snooped, options.coherent() ? snooped : plain);
    }

    private static @Nullable Lag lag(EmulatorOptions options, PhysicalMemory raw, Moments moments) {
        long start = options.memory();
        long bytes = options.tableMemory();
        if (!options.coherent() || options.scalable() && !options.pageWalkCoherent()) {
            return new ProcessorCache(raw, start, bytes, moments, options.seed());
        }
        return options.writeBufferFlush()
                ? new WriteBuffer(raw, start, bytes, moments, options.seed())
                : null;
    }
}
