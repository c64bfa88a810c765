package org.iommu4j.stress;

import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Domains for the trials of one test, used again and again: a trial takes microseconds, and making
 * a domain would take longer.
 *
 * <p>Each has a part of one memory to itself, with an allocator of its own, so that a page that one
 * thread gives back is the next one that it takes. They share the ledger of guard words.
 */
final class Domains {

    /** More than jcstress ever has in its hands at a time. */
    private static final int MOST = 8192;

    private static final PageTableFormat FORMAT = format();

    private final DomainOptions options;
    private final long bytes;
    private final PhysicalMemory memory;
    private final AtomicLong made = new AtomicLong();
    private final ConcurrentLinkedQueue<StressedDomain> idle = new ConcurrentLinkedQueue<>();

    /**
     * @param emptyTables how many emptied tables stay linked in each
     * @param pages how many pages each has for its tables
     */
    Domains(int emptyTables, int pages) {
        this(emptyTables, pages, PhysicalMemory.allocate(bytes(pages) * (MOST + 1)));
    }

    private Domains(int emptyTables, int pages, PhysicalMemory memory) {
        this.options = DomainOptions.defaults().withEmptyTables(emptyTables);
        this.bytes = bytes(pages);
        this.memory = memory;
    }

    /** The same, in memory that is slow to read. */
    static Domains slow(int emptyTables, int pages) {
        PhysicalMemory memory = PhysicalMemory.allocate(bytes(pages) * (MOST + 1));
        return new Domains(emptyTables, pages, memory.observedBy(new SlowLoads()));
    }

    private static long bytes(int pages) {
        return (long) pages * PhysicalMemory.PAGE_SIZE;
    }

    /** A domain in which nothing is mapped. */
    StressedDomain take() {
        StressedDomain domain = idle.poll();
        return domain == null ? open() : domain;
    }

    /** Another trial may have the domain. */
    void giveBack(StressedDomain domain) {
        idle.add(domain);
    }

    /** The first part stays unused, because page 0 is never handed out. */
    private StressedDomain open() {
        PhysicalMemory part = memory.part(made.incrementAndGet() * bytes, bytes);
        return StressedDomain.open(
                FORMAT,
                part,
                Providers.choose(
                                TableAllocatorProvider.class,
                                "table allocator",
                                TableAllocatorProvider.providers(),
                                "slab")
                        .create(part),
                options);
    }

    private static PageTableFormat format() {
        return Objects.requireNonNull(
                Providers.choose(
                                PageTableFormatProvider.class,
                                "architecture",
                                PageTableFormatProvider.providers(),
                                "vtd")
                        .formats()
                        .get("second-stage-4"));
    }
}
