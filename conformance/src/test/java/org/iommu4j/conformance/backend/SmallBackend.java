package org.iommu4j.conformance.backend;

import java.time.InstantSource;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.Stage;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.IotlbInvalidator;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;

/**
 * Provides a backend of page tables without hardware, of both stages, that is right unless it is
 * told to be wrong in a certain way.
 */
final class SmallBackend implements IommuProvider {

    static final PageTableFormatProvider FORMATS = PageTableFormatProvider.providers().getFirst();

    private final Set<Flaw> flaws;

    SmallBackend(Flaw... flaws) {
        this.flaws = EnumSet.noneOf(Flaw.class);
        this.flaws.addAll(List.of(flaws));
    }

    /** The backend, to be tried. */
    BackendUnderTest underTest() {
        return BackendUnderTest.of(this).reading(FORMATS);
    }

    @Override
    public String name() {
        return "small";
    }

    @Override
    public Iommu open(IommuOptions options) {
        return new SmallIommu(options, flaws);
    }

    private static final class SmallIommu implements Iommu {

        private static final int WIDTH = 47;
        private static final int HOST_WIDTH = 52;

        private final IommuOptions options;
        private final Set<Flaw> flaws;
        private final TableAllocator allocator;
        private final CacheFlusher cache;
        private final FlushPolicy policy;
        private final Set<SmallDomain> domains = new HashSet<>();
        private boolean closed;

        SmallIommu(IommuOptions options, Set<Flaw> flaws) {
            this.options = options;
            this.flaws = flaws;
            this.allocator =
                    options.policy(
                                    TableAllocatorProvider.class,
                                    "table allocator",
                                    TableAllocatorProvider.providers())
                            .create(options.memory());
            this.cache =
                    options.policy(
                                    CacheFlusherProvider.class,
                                    "cache flusher",
                                    CacheFlusherProvider.providers())
                            .create(options.memory());
            this.policy =
                    options.policy(
                                    FlushPolicyProvider.class,
                                    "flush policy",
                                    FlushPolicyProvider.providers())
                            .create(
                                    new FlushContext(
                                            new NoUnit(),
                                            InstantSource.system(),
                                            () -> {
                                                throw new IllegalStateException("no scheduler");
                                            }));
        }

        @Override
        public String backend() {
            return "small";
        }

        @Override
        public Capabilities capabilities() {
            Set<Feature> features = EnumSet.noneOf(Feature.class);
            features.addAll(format(Stage.SECOND).features());
            features.add(Feature.FIRST_STAGE);
            features.add(Feature.SECOND_STAGE);
            features.add(Feature.COALESCE);
            features.add(Feature.DIRTY_TRACKING);
            long sizes = format(Stage.SECOND).pageSizes();
            return new Capabilities(sizes, List.of(WIDTH), HOST_WIDTH, features);
        }

        private static PageTableFormat format(Stage stage) {
            String name = stage == Stage.FIRST ? "first-stage-4" : "second-stage-4";
            return FORMATS.formats().get(name);
        }

        @Override
        public synchronized IommuDomain createDomain(DomainOptions wanted) {
            if (closed) {
                throw new IllegalStateException("the Iommu is closed");
            }
            Stage stage = wanted.stage().orElse(Stage.SECOND);
            if (stage == Stage.PASS_THROUGH) {
                throw new UnsupportedFeatureException(Feature.PASS_THROUGH, "a domain");
            }
            int width = wanted.addressWidth() == 0 ? WIDTH : wanted.addressWidth();
            if (width != WIDTH) {
                throw new IllegalArgumentException(width + " bits; 47 are legal");
            }
            if (wanted.pageSizes() != 0 && (wanted.pageSizes() & ~format(stage).pageSizes()) != 0) {
                throw new UnsupportedFeatureException(Feature.PAGE_SIZES, "a domain");
            }
            long root = allocator.take();
            if (root < 0) {
                throw new TableMemoryExhaustedException(1, 0);
            }
            SmallDomain domain =
                    new SmallDomain(
                            new SmallTables(format(stage), options.memory(), cache, root, flaws),
                            allocator,
                            policy,
                            wanted.withAddressWidth(width),
                            HOST_WIDTH);
            domains.add(domain);
            return domain;
        }

        @Override
        public Attachment attach(SourceId device, IommuDomain domain) {
            throw new UnsupportedFeatureException(Feature.ATTACH, "attach");
        }

        @Override
        public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
            throw new UnsupportedFeatureException(Feature.PASID, "attach");
        }

        @Override
        public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
            throw new UnsupportedFeatureException(Feature.FAULT_REPORTING, "onFault");
        }

        @Override
        public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
            throw new UnsupportedFeatureException(Feature.PAGE_REQUESTS, "onPageRequest");
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                domains.forEach(SmallDomain::close);
                policy.close();
            }
        }
    }

    /** Where there is no unit, everything is forgotten at once. */
    private static final class NoUnit implements IotlbInvalidator {

        @Override
        public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
            return 0;
        }

        @Override
        public long invalidateDomain(int domainId) {
            return 0;
        }

        @Override
        public long invalidateGlobal() {
            return 0;
        }

        @Override
        public int maxOrder() {
            return 18;
        }

        @Override
        public boolean isDone(long ticket) {
            return true;
        }

        @Override
        public void await(long ticket) {}
    }
}
