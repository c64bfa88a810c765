package org.iommu4j.emulator;

import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How walks load words of tables: each load by itself, so that other threads' stores fall in
 * between, and each believed only in the generation of the caches in which its walk began. Any
 * thread may call any method.
 */
final class WalkLoads {

    private final WalkMemory memory;
    private final TranslationCaches caches;
    private final InFlight inFlight;
    private final @Nullable LongConsumer step;

    WalkLoads(
            EmulatorOptions options,
            WalkMemory memory,
            TranslationCaches caches,
            InFlight inFlight) {
        this.memory = memory;
        this.caches = caches;
        this.inFlight = inFlight;
        this.step = options.beforeWalkLoad().orElse(null);
    }

    /**
     * Loads a word.
     *
     * @param address its physical address
     * @param walk for which walk
     * @return its value
     * @throws IndexOutOfBoundsException if there is no such memory
     * @throws Overtaken if an invalidation came since the walk began
     */
    long load(long address, Walk walk) throws Overtaken {
        if (step != null) {
            inFlight.paused(walk.slot());
            try {
                step.accept(address);
            } finally {
                inFlight.walking(walk.slot());
            }
        }
        requireCurrent(walk);
        long value = memory.load(address);
        requireCurrent(walk);
        return value;
    }

    /**
     * Makes sure that a walk may be believed.
     *
     * @throws Overtaken if an invalidation came since it began
     */
    void requireCurrent(Walk walk) throws Overtaken {
        if (caches.generation() != walk.generation()) {
            throw new Overtaken();
        }
    }

    /**
     * One walk.
     *
     * @param slot the slot of its request
     * @param generation of the caches when it began
     */
    record Walk(int slot, long generation) {}

    /** Says that a walk must begin again: an invalidation came since it began. */
    static final class Overtaken extends Exception {
        private static final long serialVersionUID = 1L;

        private Overtaken() {
            super("an invalidation came since the walk began", null, false, false);
        }
    }
}
