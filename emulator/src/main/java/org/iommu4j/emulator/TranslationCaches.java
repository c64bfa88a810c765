package org.iommu4j.emulator;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All that a unit remembers of tables, and what makes it forget: the context cache, the IOTLB and
 * the paging-structure caches, with one generation that every invalidation moves. A walk that began
 * in an earlier generation neither fills a cache nor is believed.
 *
 * <p>Any thread may call any method.
 */
final class TranslationCaches {

    private static final int USUAL_WAYS = 4;
    /* So many that in practice nothing leaves while there is room. */
    private static final int MANY_WAYS = 16;

    private final ContextCache contexts;
    private final Iotlb iotlb;
    private final StructureCache structures;
    private final WalkMemory memory;
    private final @Nullable Audit audit;
    private volatile long generation = 1;

    TranslationCaches(
            EmulatorOptions options,
            WalkMemory memory,
            @Nullable Audit audit,
            @Nullable Dice dice) {
        int ways = options.caches() == CacheBehaviour.KEEPS_EVERYTHING ? MANY_WAYS : USUAL_WAYS;
        this.contexts = new ContextCache(dice);
        Dice replacing = options.replacement() == Replacement.ANY ? new Dice(options.seed()) : null;
        this.iotlb = new Iotlb(options.iotlbEntries(), ways, replacing, dice);
        this.structures = new StructureCache(options.pagingStructureEntries(), ways, dice);
        this.memory = memory;
        this.audit = audit;
    }

    ContextCache contexts() {
        return contexts;
    }

    Iotlb iotlb() {
        return iotlb;
    }

    StructureCache structures() {
        return structures;
    }

    /** {@return the number of the present generation} */
    long generation() {
        return generation;
    }

    /** Remembers a context that a walk found, unless an invalidation came in between. */
    synchronized void add(Context context, long begun) {
        if (begun == generation) {
            contexts.put(context);
        }
    }

    /** Remembers a translation that a walk found, unless an invalidation came in between. */
    synchronized void add(Translation translation, long begun) {
        if (begun == generation) {
            iotlb.put(translation);
        }
    }

    /** Remembers a table that a walk found, unless an invalidation came in between. */
    synchronized void add(TablePointer pointer, long begun) {
        if (begun == generation) {
            structures.put(pointer);
        }
    }

    /** Forgets all contexts. */
    void invalidateContexts() {
        begin();
        synchronized (this) {
            contexts.dropAll();
            generation++;
        }
        say(() -> "context cache, all");
    }

    /** Forgets the contexts of a domain. */
    void invalidateContexts(int domain) {
        begin();
        synchronized (this) {
            contexts.dropDomain(domain);
            generation++;
        }
        say(() -> "context cache, domain " + domain);
    }

    /** Forgets the contexts of some sources and a domain; see {@link ContextCache#dropSource}. */
    void invalidateContexts(int domain, int source, int functionMask) {
        begin();
        synchronized (this) {
            contexts.dropSource(domain, source, functionMask);
            generation++;
        }
        say(() ->
                "context cache, domain "
                        + domain
                        + ", source 0x"
                        + Integer.toHexString(source)
                        + ", function mask "
                        + functionMask);
    }

    /** Forgets all translations and tables. */
    void invalidateTranslations() {
        begin();
        synchronized (this) {
            iotlb.dropAll();
            structures.dropAll();
            generation++;
        }
        say(() -> "IOTLB, all");
    }

    /** Forgets the translations and tables of a domain. */
    void invalidateTranslations(int domain) {
        begin();
        synchronized (this) {
            iotlb.dropDomain(domain);
            structures.dropDomain(domain);
            generation++;
        }
        say(() -> "IOTLB, domain " + domain);
    }

    /**
     * Forgets the translations of a range, and unless only leaves have changed, every table on the
     * way to it.
     *
     * @param domain domain id
     * @param iova an address; the bits below the range's size do not count
     * @param mask the number of pages of 4 KiB, as a power of two
     * @param leavesOnly the invalidation hint (IH)
     */
    void invalidateTranslations(int domain, long iova, int mask, boolean leavesOnly) {
        long first = mask + 12 < Long.SIZE ? iova & -1L << mask + 12 : 0;
        begin();
        synchronized (this) {
            iotlb.dropRange(domain, first, mask);
            if (leavesOnly) {
                structures.dropAbsent(domain, first, mask);
            } else {
                structures.dropRange(domain, first, mask);
            }
            generation++;
        }
        say(() ->
                "IOTLB, domain "
                        + domain
                        + ", 0x"
                        + Long.toHexString(first)
                        + ", AM "
                        + mask
                        + (leavesOnly ? ", leaves only" : ""));
    }

    /* Every invalidation implies a flush of the write buffers (VT-d, Write Buffer Flushing). */
    private void begin() {
        memory.flushWriteBuffers();
    }

    private void say(Supplier<String> what) {
        if (audit != null) {
            audit.invalidated(what.get());
        }
    }
}
