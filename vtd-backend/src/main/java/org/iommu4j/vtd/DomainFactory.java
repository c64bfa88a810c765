package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
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

    /** The widths a second-stage domain may have, one for 3, 4 and 5 levels. */
    static final List<Integer> WIDTHS = List.of(39, 48, 57);

    private static final int DEFAULT_WIDTH = 48;

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final FlushPolicy policy;
    private final FlushContext flushContext;
    private final AbsentUnit unit;
    private final Set<VtdDomain> open = new LinkedHashSet<>();

    @Inject
    DomainFactory(
            PhysicalMemory memory,
            TableAllocator allocator,
            CacheFlusher cache,
            FlushPolicy policy,
            FlushContext flushContext,
            AbsentUnit unit) {
        this.memory = memory;
        this.allocator = allocator;
        this.cache = cache;
        this.policy = policy;
        this.flushContext = flushContext;
        this.unit = unit;
    }

    synchronized VtdDomain create(DomainOptions options) {
        refuse(options, TableAllocatorProvider.class, "a table allocator");
        refuse(options, CacheFlusherProvider.class, "a cache flusher");
        PageTableFormat format = format(options);
        boolean ownPolicy = options.chooses(FlushPolicyProvider.class);
        FlushPolicy flush = ownPolicy ? ownPolicy(options) : policy;
        int id = unit.claimDomainId();
        try {
            PageTable table =
                    PageTable.create(format, memory, allocator, cache, Witness.NONE, options);
            VtdDomain domain = new VtdDomain(this, id, table, flush, ownPolicy, unit.counts(id));
            open.add(domain);
            return domain;
        } catch (RuntimeException | Error e) {
            unit.releaseDomainId(id);
            if (ownPolicy) {
                flush.close();
            }
            throw e;
        }
    }

    synchronized List<VtdDomain> open() {
        return List.copyOf(open);
    }

    /** Hears that a domain holds nothing any more. */
    synchronized void closed(VtdDomain domain) {
        if (open.remove(domain)) {
            unit.releaseDomainId(domain.id());
        }
    }

    private static PageTableFormat format(DomainOptions options) {
        if (options.stage() == Stage.FIRST) {
            throw new UnsupportedFeatureException(
                    Feature.FIRST_STAGE, "a domain of first-stage tables");
        }
        int width = options.addressWidth() == 0 ? DEFAULT_WIDTH : options.addressWidth();
        return switch (width) {
            case 39 -> VtdFormats.SECOND_STAGE_3;
            case 48 -> VtdFormats.SECOND_STAGE_4;
            case 57 -> VtdFormats.SECOND_STAGE_5;
            default ->
                    throw new IllegalArgumentException(
                            "an address width of "
                                    + width
                                    + " bits; one of "
                                    + WIDTHS
                                    + " is legal");
        };
    }

    private FlushPolicy ownPolicy(DomainOptions options) {
        return options.policy(
                        FlushPolicyProvider.class, "flush policy", FlushPolicyProvider.providers())
                .create(flushContext);
    }

    private static void refuse(
            DomainOptions options, Class<? extends Provider> kind, String called) {
        if (options.chooses(kind)) {
            throw new IllegalArgumentException(
                    "a domain cannot choose "
                            + called
                            + " of its own; choose it in IommuOptions for all domains. Of the policies, a"
                            + " domain may choose its flush policy");
        }
    }
}
