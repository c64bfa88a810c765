package org.iommu4j.emulator;

import org.iommu4j.machine.MemoryObserver;
import org.jspecify.annotations.Nullable;

/**
 * How walks reach words of tables: each load and each exchange by itself, so that other threads'
 * stores fall in between, and each believed only in the generation of the caches in which its walk
 * began. Any thread may call any method.
 */
final class WalkLoads {

    private final TableViews views;
    private final TranslationCaches caches;
    private final InFlight inFlight;
    private final @Nullable MemoryObserver observer;

    WalkLoads(
            EmulatorOptions options,
            TableViews views,
            TranslationCaches caches,
            InFlight inFlight) {
        this.views = views;
        this.caches = caches;
        this.inFlight = inFlight;
        this.observer = options.walkObserver().orElse(null);
    }

    /**
     * Loads a word of a root, context or PASID table.
     *
     * @param address its physical address
     * @param walk for which walk
     * @return its value
     * @throws IndexOutOfBoundsException if there is no such memory
     * @throws Overtaken if an invalidation came since the walk began
     */
    long loadStructure(long address, Walk walk) throws Overtaken {
        return load(views.structures(), address, walk);
    }

    /**
     * Loads a word of a page table.
     *
     * @param context whose page tables
     * @param address the word's physical address
     * @param walk for which walk
     * @return its value
     * @throws IndexOutOfBoundsException if there is no such memory
     * @throws Overtaken if an invalidation came since the walk began
     */
    long load(Context context, long address, Walk walk) throws Overtaken {
        return load(views.pages(context.is(Context.SNOOPED)), address, walk);
    }

    private long load(WalkMemory memory, long address, Walk walk) throws Overtaken {
        if (observer != null) {
            inFlight.paused(walk.slot());
            try {
                observer.beforeLoad(address);
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
     * Sets bits in an entry of a page table, if it still is as it was read.
     *
     * @param context whose page tables; walks of it snoop
     * @param address the entry's physical address
     * @param entry what was read
     * @param bits what is set
     * @param walk for which walk
     * @return true if the bits are set; false if the entry has changed
     * @throws Overtaken if an invalidation came since the walk began
     */
    boolean set(Context context, long address, long entry, long bits, Walk walk) throws Overtaken {
        if (observer != null) {
            inFlight.paused(walk.slot());
            try {
                observer.beforeExchange(address, entry, entry | bits);
            } finally {
                inFlight.walking(walk.slot());
            }
        }
        requireCurrent(walk);
        return views.pages(context.is(Context.SNOOPED)).exchange(address, entry, entry | bits);
    }

    /** {@return true if software's stores reach walks of a context late} */
    boolean lag(Context context) {
        return views.lags(context.is(Context.SNOOPED));
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

    /** What one request looks up, again and again if need be. Used by its thread. */
    static final class Walk {

        private final int slot;
        private final Translation found = new Translation();
        private long generation;

        /**
         * Makes a walk that has not begun.
         *
         * @param slot the slot of its request
         */
        Walk(int slot) {
            this.slot = slot;
        }

        /** Begins, perhaps again, with the present generation of the caches. */
        void begin(long present) {
            generation = present;
        }

        int slot() {
            return slot;
        }

        /** {@return the generation of the caches when it began} */
        long generation() {
            return generation;
        }

        /** {@return what it has come to; what comes next takes its place} */
        Translation found() {
            return found;
        }
    }

    /** Says that a walk must begin again: an invalidation came since it began. */
    static final class Overtaken extends Exception {
        private static final long serialVersionUID = 1L;

        private Overtaken() {
            super("an invalidation came since the walk began", null, false, false);
        }
    }
}
