package com.example.riscv;

import java.lang.System.Logger;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.Stage;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Makes domains as their options say, and knows those that are open. */
final class Domains {

    private static final Logger LOG = System.getLogger(Domains.class.getName());

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final Witness witness;
    private final FlushPolicy policy;
    private final FlushContext flushContext;
    private final UnitLimits limits;
    private final Invalidations invalidations;
    private final BitSet ids = new BitSet();
    private final Set<RiscvDomain> open = new LinkedHashSet<>();

    Domains(
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            Witness witness,
            FlushPolicy policy,
            FlushContext flushContext,
            UnitLimits limits,
            Invalidations invalidations) {
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
        this.witness = witness;
        this.policy = policy;
        this.flushContext = flushContext;
        this.limits = limits;
        this.invalidations = invalidations;
    }

    synchronized RiscvDomain create(DomainOptions options) {
        if (options.chooses(CacheFlusherProvider.class)) {
            throw new IllegalArgumentException(
                    "a domain cannot choose a cache flusher of its own; choose it in IommuOptions");
        }
        Stage stage = limits.stage(options);
        PageTableFormat format = limits.format(stage, options);
        SoftContext context = lend(stage);
        FlushPolicy flush = policy;
        TableAllocator pages = allocator;
        try {
            flush = flushPolicy(options);
            pages = pages(options);
            PageTable table = PageTable.create(format, memory, pages, cache, witness, options);
            RiscvDomain domain = new RiscvDomain(this, context, table, pages, flush);
            open.add(domain);
            return domain;
        } catch (RuntimeException e) {
            end(flush, pages, context);
            throw e;
        }
    }

    /** {@return true if a domain is one of those made here} */
    @SuppressWarnings("ReferenceEquality") // these domains, not equal ones
    boolean made(RiscvDomain domain) {
        return domain.domains() == this;
    }

    synchronized List<RiscvDomain> open() {
        return List.copyOf(open);
    }

    DomainStatistics.Invalidations invalidations(SoftContext context) {
        return invalidations.of(context);
    }

    /** Hears that a domain holds nothing any more. */
    void closed(RiscvDomain domain) {
        if (forget(domain)) {
            end(domain.policy(), domain.pages(), domain.context());
        }
    }

    private synchronized boolean forget(RiscvDomain domain) {
        return open.remove(domain);
    }

    @SuppressWarnings("ReferenceEquality") // what all domains share, not an equal one
    private void end(FlushPolicy flush, TableAllocator pages, SoftContext context) {
        if (flush != policy) {
            flush.close();
        }
        if (pages != allocator) {
            pages.close();
        }
        takeBack(context);
    }

    /** The id is lent again only if the unit has forgotten all that it knew under it. */
    private void takeBack(SoftContext context) {
        try {
            invalidations.end(context);
        } catch (IommuException e) {
            LOG.log(Logger.Level.WARNING, "the id of " + context + " is not used again", e);
            return;
        }
        synchronized (this) {
            ids.clear(context.id());
        }
    }

    private SoftContext lend(Stage stage) {
        int id = ids.nextClearBit(1);
        if (id > SoftContext.MOST) {
            throw new IommuException(
                    "all " + SoftContext.MOST + " soft-context ids are taken; close a domain");
        }
        ids.set(id);
        return new SoftContext(stage, id);
    }

    private FlushPolicy flushPolicy(DomainOptions options) {
        return options.chooses(FlushPolicyProvider.class)
                ? options.policy(
                                FlushPolicyProvider.class,
                                "flush policy",
                                FlushPolicyProvider.providers())
                        .create(flushContext)
                : policy;
    }

    /** A domain's own allocator stands over the one of all domains. */
    private TableAllocator pages(DomainOptions options) {
        return options.chooses(TableAllocatorProvider.class)
                ? options.policy(
                                TableAllocatorProvider.class,
                                "table allocator",
                                TableAllocatorProvider.providers())
                        .over(allocator)
                : allocator;
    }
}
