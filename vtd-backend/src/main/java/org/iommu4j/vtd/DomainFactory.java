package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Stage;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Witness;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Makes domains as their options say, and knows those that are open. */
@Singleton
final class DomainFactory {

    private static final Logger LOG = LogManager.getLogger(DomainFactory.class);
    private static final String FOR_ALL =
            "choose it in IommuOptions for all domains. Of the policies, a domain may choose its"
                    + " flush policy and its table allocator";
    private static final String WITHOUT_TABLES = "a pass-through domain has no tables to treat";

    /** What the format of a domain's tables depends on. */
    private record Shape(Stage stage, int addressWidth) {}

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final FlushPolicy policy;
    private final FlushContext flushContext;
    private final UnitLimits limits;
    private final DomainIds ids;
    private final Witness witness;
    private final Map<Shape, PageTableFormat> formats = new HashMap<>();
    private final Set<VtdDomain> open = new LinkedHashSet<>();

    @Inject
    DomainFactory(
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            FlushPolicy policy,
            FlushContext flushContext,
            UnitLimits limits,
            DomainIds ids,
            Witness witness) {
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
        this.policy = policy;
        this.flushContext = flushContext;
        this.limits = limits;
        this.ids = ids;
        this.witness = witness;
    }

    synchronized VtdDomain create(DomainOptions options) {
        refuse(options, CacheFlusherProvider.class, "a cache flusher of its own", FOR_ALL);
        DomainOptions settled = limits.settled(options);
        VtdDomain domain =
                settled.stage().orElseThrow() == Stage.PASS_THROUGH
                        ? passThrough(settled)
                        : translating(settled);
        open.add(domain);
        LOG.debug("created {}", domain);
        return domain;
    }

    private PassThroughDomain passThrough(DomainOptions options) {
        refuse(options, TableAllocatorProvider.class, "a table allocator", WITHOUT_TABLES);
        refuse(options, FlushPolicyProvider.class, "a flush policy", WITHOUT_TABLES);
        return new PassThroughDomain(
                this, ids.lend(Stage.PASS_THROUGH), allocator, limits.hostAddressWidth());
    }

    private TranslatingDomain translating(DomainOptions options) {
        boolean ownPolicy = options.chooses(FlushPolicyProvider.class);
        FlushPolicy flush = ownPolicy ? ownPolicy(options) : policy;
        try {
            return translating(options, flush, ownPolicy);
        } catch (RuntimeException | Error e) {
            if (ownPolicy) {
                flush.close();
            }
            throw e;
        }
    }

    private TranslatingDomain translating(
            DomainOptions options, FlushPolicy flush, boolean ownPolicy) {
        Stage stage = options.stage().orElseThrow();
        PageTableFormat format =
                formats.computeIfAbsent(
                        new Shape(stage, options.addressWidth()),
                        shape -> limits.format(shape.stage, shape.addressWidth));
        DomainId id = ids.lend(stage);
        TableAllocator pages = allocator;
        try {
            pages = pages(options);
            return new TranslatingDomain(
                    this,
                    id,
                    PageTable.create(format, memory, pages, cache, witness, options),
                    pages,
                    flush,
                    ownPolicy,
                    options.pageRequests(),
                    limits.keepsDirtyBits(stage),
                    limits.additionsNeedInvalidation());
        } catch (RuntimeException | Error e) {
            close(pages);
            ids.takeBack(id);
            throw e;
        }
    }

    /** {@return what runs the work of domains in the background} */
    ScheduledExecutorService scheduler() {
        return flushContext.scheduler().get();
    }

    /** {@return true if a domain is one of those that this factory made} */
    @SuppressWarnings("ReferenceEquality") // this factory, not one that equals it
    boolean made(VtdDomain domain) {
        return domain.factory() == this;
    }

    synchronized List<VtdDomain> open() {
        return List.copyOf(open);
    }

    /** Hears that a domain holds nothing any more. */
    void closed(VtdDomain domain) {
        if (forget(domain)) {
            close(domain.pages());
            ids.takeBack(domain.id());
            LOG.debug("closed {}", domain);
        }
    }

    private synchronized boolean forget(VtdDomain domain) {
        return open.remove(domain);
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

    @SuppressWarnings("ReferenceEquality") // the allocator of all domains, not an equal one
    private void close(TableAllocator pages) {
        if (pages != allocator) {
            pages.close();
        }
    }

    private FlushPolicy ownPolicy(DomainOptions options) {
        return options.policy(
                        FlushPolicyProvider.class, "flush policy", FlushPolicyProvider.providers())
                .create(flushContext);
    }

    private static void refuse(
            DomainOptions options, Class<? extends Provider> kind, String called, String why) {
        if (options.chooses(kind)) {
            throw new IllegalArgumentException("a domain cannot choose " + called + "; " + why);
        }
    }
}
