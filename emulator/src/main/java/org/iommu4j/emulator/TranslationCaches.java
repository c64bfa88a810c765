package org.iommu4j.emulator;

import java.util.function.Supplier;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;

/**
 * All that a unit remembers of tables, and what makes it forget: the context cache, the PASID
 * cache, the IOTLB and the paging-structure caches, with one generation that every invalidation
 * moves. A walk that began in an earlier generation neither fills a cache nor is believed.
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
    private final TableViews views;
    private final @Nullable Audit audit;
    private volatile long generation = 1;

    TranslationCaches(
            EmulatorOptions options, TableViews views, @Nullable Audit audit, @Nullable Dice dice) {
        int ways = options.caches() == CacheBehaviour.KEEPS_EVERYTHING ? MANY_WAYS : USUAL_WAYS;
        this.contexts = new ContextCache(ways, dice);
        Dice replacing = options.replacement() == Replacement.ANY ? new Dice(options.seed()) : null;
        this.iotlb = new Iotlb(options.iotlbEntries(), ways, replacing, dice);
        this.structures = new StructureCache(options.pagingStructureEntries(), ways, dice);
        this.views = views;
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

    /** Remembers a context entry of scalable mode, unless an invalidation came in between. */
    synchronized void add(DeviceContext device, long begun) {
        if (begun == generation) {
            contexts.putDevice(device);
        }
    }

    /** Remembers an entry of a PASID table, unless an invalidation came in between. */
    synchronized void addEntry(Context entry, long begun) {
        if (begun == generation) {
            contexts.putEntry(entry);
        }
    }

    /**
     * Remembers where a walk found that an address lies, unless an invalidation came in between.
     */
    synchronized void add(Context context, long iova, Translation translation, long begun) {
        if (begun == generation) {
            iotlb.put(context.domain, context.cachedPasid, iova, translation);
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
        change(contexts::dropAll);
        say(() -> "context cache, all");
    }

    /** Forgets the contexts of a domain. */
    void invalidateContexts(int domain) {
        change(() -> contexts.dropDomain(domain));
        say(() -> "context cache, domain " + domain);
    }

    /** Forgets the contexts of some sources and a domain; see {@link ContextCache#dropSource}. */
    void invalidateContexts(int domain, int source, int functionMask) {
        change(() -> contexts.dropSource(domain, source, functionMask));
        say(() ->
                "context cache, domain "
                        + domain
                        + ", source 0x"
                        + Integer.toHexString(source)
                        + ", function mask "
                        + functionMask);
    }

    /** Forgets all entries of PASID tables. */
    void invalidatePasids() {
        change(contexts::dropPasids);
        say(() -> "PASID cache, all");
    }

    /** Forgets the entries of PASID tables that name a domain. */
    void invalidatePasids(int domain) {
        change(() -> contexts.dropPasids(domain));
        say(() -> "PASID cache, domain " + domain);
    }

    /** Forgets the entries of a PASID that name a domain. */
    void invalidatePasid(int domain, int pasid) {
        change(() -> contexts.dropPasid(domain, pasid));
        say(() -> "PASID cache" + of(domain, pasid));
    }

    /** Forgets all translations and tables. */
    void invalidateTranslations() {
        change(() -> {
            iotlb.dropAll();
            structures.dropAll();
        });
        say(() -> "IOTLB, all");
    }

    /**
     * Forgets the translations and tables of a domain.
     *
     * @param domain domain id
     * @param pasid whose, or {@link SourceId#NO_PASID} for those of second stage
     */
    void invalidateTranslations(int domain, int pasid) {
        change(() -> {
            iotlb.dropDomain(domain, pasid);
            structures.dropDomain(domain, pasid);
        });
        say(() -> "IOTLB" + of(domain, pasid));
    }

    /**
     * Forgets the translations of a range, and unless only leaves have changed, every table on the
     * way to it.
     *
     * @param domain domain id
     * @param pasid whose, or {@link SourceId#NO_PASID} for those of second stage
     * @param iova an address; the bits below the range's size do not count
     * @param mask the number of pages of 4 KiB, as a power of two
     * @param leavesOnly the invalidation hint (IH)
     */
    void invalidateTranslations(int domain, int pasid, long iova, int mask, boolean leavesOnly) {
        long first = mask + 12 < Long.SIZE ? iova & -1L << mask + 12 : 0;
        views.flushWriteBuffers();
        synchronized (this) { // as change(), without its object: here nearly all unmaps come by
            iotlb.dropRange(domain, pasid, first, mask);
            if (leavesOnly) {
                structures.dropAbsent(domain, pasid, first, mask);
            } else {
                structures.dropRange(domain, pasid, first, mask);
            }
            generation++;
        }
        if (audit != null) {
            audit.invalidated(
                    "IOTLB"
                            + of(domain, pasid)
                            + ", 0x"
                            + Long.toHexString(first)
                            + ", AM "
                            + mask
                            + (leavesOnly ? ", leaves only" : ""));
        }
    }

    /**
     * Forgets what may have been the reason of a page request (VT-d, Implicit Invalidation on Page
     * Requests): the translations of a page, whatever their size, and the tables on the way.
     *
     * @param context whose page
     * @param iova an address in it
     */
    void forgetPage(Context context, long iova) {
        long page = iova & -PhysicalMemory.PAGE_SIZE;
        synchronized (this) {
            iotlb.dropPage(context.domain, context.cachedPasid, page);
            structures.dropRange(context.domain, context.cachedPasid, page, 0);
            generation++;
        }
    }

    /* Every invalidation implies a flush of the write buffers (VT-d, Write Buffer Flushing). */
    private void change(Runnable drop) {
        views.flushWriteBuffers();
        synchronized (this) {
            drop.run();
            generation++;
        }
    }

    private static String of(int domain, int pasid) {
        return ", domain "
                + domain
                + (pasid == SourceId.NO_PASID ? "" : ", PASID 0x" + Integer.toHexString(pasid));
    }

    private void say(Supplier<String> what) {
        if (audit != null) {
            audit.invalidated(what.get());
        }
    }
}
