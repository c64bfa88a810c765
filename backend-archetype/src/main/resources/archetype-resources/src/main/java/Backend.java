package ${package};

import java.time.InstantSource;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;
import org.iommu4j.pagetable.PageTable;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/** Page tables without hardware: what a driver of your hardware grows from. */
final class Backend implements Iommu {

    private static final int HOST_ADDRESS_WIDTH = 52;

    private final PhysicalMemory memory;
    private final TableAllocator allocator;
    private final CacheFlusher cache;
    private final Invalidations invalidations = new Invalidations();
    private final FlushContext flushContext =
            new FlushContext(invalidations, InstantSource.system(), this::background);
    private final FlushPolicy policy;
    private final Set<BackendDomain> open = new LinkedHashSet<>();
    private ScheduledExecutorService executor;
    private int lastId;
    private boolean closed;

    Backend(IommuOptions options) {
        memory = options.memory();
        allocator =
                options.policy(
                                TableAllocatorProvider.class,
                                "table allocator",
                                TableAllocatorProvider.providers())
                        .create(memory);
        cache =
                options.policy(
                                CacheFlusherProvider.class,
                                "cache flusher",
                                CacheFlusherProvider.providers())
                        .create(memory);
        policy =
                options.policy(
                                FlushPolicyProvider.class,
                                "flush policy",
                                FlushPolicyProvider.providers())
                        .create(flushContext);
    }

    @Override
    public String backend() {
        return BackendProvider.NAME;
    }

    @Override
    public Capabilities capabilities() {
        Set<Feature> features = EnumSet.of(Feature.SECOND_STAGE);
        features.addAll(Formats.FOUR_LEVELS.features());
        return new Capabilities(
                Formats.FOUR_LEVELS.pageSizes(),
                List.of(Formats.FOUR_LEVELS.addressWidth()),
                HOST_ADDRESS_WIDTH,
                features);
    }

    @Override
    public synchronized IommuDomain createDomain(DomainOptions options) {
        requireOpen();
        requireLegal(options);
        FlushPolicy flush = policy;
        TableAllocator pages = allocator;
        try {
            flush = flushPolicy(options);
            pages = pages(options);
            PageTable table =
                    PageTable.create(
                            Formats.FOUR_LEVELS, memory, pages, cache, Witness.NONE, options);
            BackendDomain domain = new BackendDomain(this, ++lastId, table, pages, flush);
            open.add(domain);
            return domain;
        } catch (RuntimeException e) {
            giveBack(pages, flush);
            throw e;
        }
    }

    /** What is not there is refused by its name, before anything is made. */
    private static void requireLegal(DomainOptions options) {
        if (options.stage().orElse(Stage.SECOND) != Stage.SECOND) {
            throw new UnsupportedFeatureException(
                    options.stage().get() == Stage.FIRST
                            ? Feature.FIRST_STAGE
                            : Feature.PASS_THROUGH,
                    "a domain that has no second-stage tables");
        }
        if (options.pageRequests()) {
            throw new UnsupportedFeatureException(
                    Feature.PAGE_REQUESTS, "a domain whose devices may ask for pages");
        }
        int width = options.addressWidth();
        if (width != 0 && width != Formats.FOUR_LEVELS.addressWidth()) {
            throw new IllegalArgumentException(
                    "an address width of "
                            + width
                            + " bits; "
                            + Formats.FOUR_LEVELS.addressWidth()
                            + " are legal");
        }
        if (options.chooses(CacheFlusherProvider.class)) {
            throw new IllegalArgumentException("a domain has the cache flusher of all domains");
        }
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

    /** Hears that a domain holds nothing any more. */
    synchronized void closed(BackendDomain domain) {
        if (open.remove(domain)) {
            giveBack(domain.pages(), domain.policy());
        }
    }

    private void giveBack(TableAllocator pages, FlushPolicy flush) {
        if (flush != policy) {
            flush.close();
        }
        if (pages != allocator) {
            pages.close();
        }
    }

    Invalidations invalidations() {
        return invalidations;
    }

    @Override
    public Attachment attach(SourceId device, IommuDomain domain) {
        throw absent(Feature.ATTACH);
    }

    @Override
    public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
        throw absent(Feature.PASID);
    }

    @Override
    public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
        throw absent(Feature.FAULT_REPORTING);
    }

    @Override
    public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
        throw absent(Feature.PAGE_REQUESTS);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            List.copyOf(open).forEach(BackendDomain::close);
            policy.close();
            if (executor != null) {
                executor.shutdownNow();
            }
        }
    }

    /** What flush policies do later is done here; there is no thread until one asks. */
    private synchronized ScheduledExecutorService background() {
        if (executor == null) {
            executor =
                    new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().factory());
        }
        return executor;
    }

    private UnsupportedFeatureException absent(Feature feature) {
        return new UnsupportedFeatureException(feature, "page tables without hardware");
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
    }
}
