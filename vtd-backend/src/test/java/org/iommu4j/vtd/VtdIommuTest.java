package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IommuProvider;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.Stage;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.RemappingUnit;
import org.iommu4j.machine.SourceId;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The life of an Iommu and its domains, by the public door. */
class VtdIommuTest {

    private static final long MEMORY = 1 << 24;
    private static final long M2 = 0x20_0000;

    private final CapturingAllocator pages = new CapturingAllocator();
    private final Iommu iommu = Iommu.open("vtd", captured());

    @AfterEach
    void L1_closeReturnsEveryPage() {
        iommu.close();
        assertThat(pages.taken()).isZero();
    }

    @Test
    void isFoundByName() {
        assertThat(Iommu.providers()).extracting(IommuProvider::name).containsExactly("vtd");
        assertThat(iommu.backend()).isEqualTo("vtd");
        assertThatThrownBy(() -> Iommu.open("amdvi", options()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no backend \"amdvi\"; found: vtd (org.iommu4j.vtd");
    }

    @Test
    void unknownPoliciesAreRefusedWithTheKnownOnes() {
        assertThatThrownBy(
                        () -> Iommu.open("vtd", options().with(FlushPolicyProvider.class, "lazy")))
                .hasMessageContaining("no flush policy \"lazy\"; found: strict (org.iommu4j.flush");
        assertThatThrownBy(
                        () -> Iommu.open("vtd", options().with(CacheFlusherProvider.class, "all")))
                .hasMessageContaining("no cache flusher \"all\"; found: none (org.iommu4j.flush");
        assertThatThrownBy(() ->
                        Iommu.open("vtd", options().with(TableAllocatorProvider.class, "buddy")))
                .hasMessageContaining(
                        "no table allocator \"buddy\"; found: slab (org.iommu4j.walker");
    }

    @Test
    void capabilitiesAreThoseOfTheFormat() {
        assertThat(iommu.capabilities().pageSizes()).isEqualTo(0x4020_1000L);
        assertThat(iommu.capabilities().hasPageSize(M2)).isTrue();
        assertThat(iommu.capabilities().addressWidths()).containsExactly(39, 48, 57);
        assertThat(iommu.capabilities().hostAddressWidth()).isEqualTo(52);
        assertThat(iommu.capabilities().features())
                .containsExactlyInAnyOrder(
                        Feature.FIRST_STAGE,
                        Feature.SECOND_STAGE,
                        Feature.HITLESS_SPLIT,
                        Feature.COALESCE,
                        Feature.DIRTY_TRACKING,
                        Feature.READ_ONLY,
                        Feature.WRITE_ONLY,
                        Feature.SNOOP_CONTROL,
                        Feature.MEMORY_TYPES,
                        Feature.SOFTWARE_BITS);
    }

    @Test
    void whatNeedsHardwareIsRefusedByName() {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        SourceId device = SourceId.parse("00:02.0");
        refused(() -> iommu.attach(device, domain), Feature.ATTACH, "0000:00:02.0");
        refused(() -> iommu.attach(device, 5, domain), Feature.PASID, "PASID 0x5");
        refused(() -> iommu.onFault(fault -> {}), Feature.FAULT_REPORTING, "without hardware");
        refused(
                () ->
                        iommu.onPageRequest(
                                Runnable::run, request -> PageRequestHandler.Response.INVALID),
                Feature.PAGE_REQUESTS,
                "without hardware");
        refused(
                () -> iommu.createDomain(DomainOptions.defaults().withStage(Stage.PASS_THROUGH)),
                Feature.PASS_THROUGH,
                "without tables");
        refused(
                () -> iommu.createDomain(DomainOptions.defaults().withPageRequests(true)),
                Feature.PAGE_REQUESTS,
                "missing pages");
        refused(
                () -> Iommu.open("vtd", IommuOptions.on(new NoMachine())),
                Feature.ATTACH,
                "IommuOptions.memoryOnly");
    }

    @Test
    void M6_ofTheFirstStageTheLowerHalfIsOffered() {
        DomainOptions first = DomainOptions.defaults().withStage(Stage.FIRST);
        try (IommuDomain domain = iommu.createDomain(first)) {
            long last = (1L << 47) - M2;
            domain.map(last, M2, M2, Access.READ_WRITE);
            assertThat(domain.translate(last + 5)).isEqualTo(M2 + 5);
            assertThatThrownBy(() -> domain.map(1L << 47, M2, M2, Access.READ))
                    .isInstanceOf(IllegalArgumentException.class);
            refused(
                    () -> domain.map(0, 0, 0x1000, Access.WRITE),
                    Feature.WRITE_ONLY,
                    "VT-d first stage");
        }
        iommu.createDomain(first.withAddressWidth(56)).close();
        illegal(first.withAddressWidth(48), "48 bits; one of [47, 56] is legal in the first stage");
    }

    @Test
    void domainOptionsAreChecked() {
        DomainOptions defaults = DomainOptions.defaults();
        illegal(defaults.withAddressWidth(40), "40 bits; one of [39, 48, 57] is legal");
        illegal(defaults.withPageSizes(M2), "0x1000 is necessary");
        illegal(defaults.withPageSizes(0x1000 | 1L << 39), "0x8000001000");
        illegal(defaults.with(TableAllocatorProvider.class, "slab"), "\"quota\", is legal here");
        illegal(defaults.with(CacheFlusherProvider.class, "line"), "choose it in IommuOptions");
        illegal(defaults.with(FlushPolicyProvider.class, "lazy"), "no flush policy \"lazy\"");
        assertThat(pages.taken()).isZero();
    }

    @Test
    void pageSizesOfADomainAreKept() {
        DomainOptions small = DomainOptions.defaults().withPageSizes(0x1000 | M2);
        IommuDomain domain = iommu.createDomain(small);
        domain.map(0, 0, 1L << 30, Access.READ);
        assertThat(domain.statistics().leaves().get(M2)).isEqualTo(512);
        assertThat(domain.mappingAt(0x12345).orElseThrow().size()).isEqualTo(M2);
    }

    @Test
    void aDomainMayHaveItsOwnFlushPolicy() {
        IommuDomain common = iommu.createDomain(DomainOptions.defaults());
        IommuDomain whole =
                iommu.createDomain(
                        DomainOptions.defaults().with(FlushPolicyProvider.class, "domain"));
        for (IommuDomain domain : List.of(common, whole)) {
            domain.map(M2, M2, 0x1000, Access.READ);
            assertThat(domain.unmap(M2, 0x1000)).isEqualTo(0x1000);
        }
        assertThat(common.statistics().invalidations())
                .isEqualTo(new DomainStatistics.Invalidations(1, 0, 0));
        assertThat(whole.statistics().invalidations())
                .isEqualTo(new DomainStatistics.Invalidations(0, 1, 0));
    }

    @Test
    void policiesAreOfTheIommu() {
        try (Iommu other = Iommu.open("vtd", options().with(FlushPolicyProvider.class, "domain"));
                IommuDomain domain = other.createDomain(DomainOptions.defaults())) {
            domain.map(M2, M2, 0x1000, Access.READ);
            domain.unmap(M2, 0x1000);
            assertThat(domain.statistics().invalidations().domain()).isEqualTo(1);
        }
        try (Iommu other = Iommu.open("vtd", options().with(CacheFlusherProvider.class, "line"));
                IommuDomain domain = other.createDomain(DomainOptions.defaults())) {
            domain.map(0, 0, 4 * M2, Access.READ);
            domain.unmap(0x1000, 0x1000);
            assertThat(domain.translate(0x2000)).isEqualTo(0x2000);
            assertThat(domain.translate(0x1000)).isEqualTo(IommuDomain.NOT_MAPPED);
        }
        iommu.close();
    }

    @Test
    void G6_anotherDomainsGatherIsRefused() {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        IommuDomain other = iommu.createDomain(DomainOptions.defaults());
        domain.map(0, 0, M2, Access.READ);
        IotlbGather gather = other.gather();
        foreign(() -> domain.unmap(0, 0x1000, gather));
        foreign(() -> domain.map(M2, M2, M2, Access.READ, gather));
        foreign(() -> domain.tryMap(M2, M2, M2, Access.READ, gather));
        foreign(() -> domain.cut(0, 0x1000, gather));
        foreign(() -> domain.split(0, M2, 0x1000, gather));
        foreign(() -> domain.sync(gather));
        assertThat(gather.isEmpty()).isTrue();
        assertThat(domain.mappingAt(0).orElseThrow().size()).isEqualTo(M2);
        assertThat(domain.translate(M2)).isEqualTo(IommuDomain.NOT_MAPPED);
    }

    @Test
    void G6_aGatherSyncedTwiceIsInvalidatedOnce() {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        domain.map(0, 0, M2, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(0, M2, gather);
        domain.sync(gather).await();
        domain.sync(gather).await();
        gather.close();
        assertThat(domain.statistics().invalidations().page()).isEqualTo(1);
    }

    @Test
    void G6_pagesOfAnAbandonedGatherComeBack() throws InterruptedException {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults().withEmptyTables(0));
        long before = pages.taken();
        abandonTables(domain, before);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (pages.taken() > before && System.nanoTime() < deadline) {
            System.gc();
            Thread.sleep(5);
        }
        assertThat(pages.taken()).isEqualTo(before);
    }

    private void abandonTables(IommuDomain domain, long before) {
        domain.map(0, 0, 0x3000, Access.READ);
        IotlbGather gather = domain.gather();
        try {
            domain.unmap(0, 0x3000, gather);
            assertThat(gather.heldPages()).isPositive();
            assertThat(pages.taken()).isGreaterThan(before);
        } finally {
            Reference.reachabilityFence(gather);
        }
    }

    @Test
    void closedDomainsAndIommusRefuseEverything() {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        domain.map(0, 0, M2 + 0x1000, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(0x1000, 0x1000, gather);
        domain.close();
        domain.close();
        assertThat(pages.taken()).isEqualTo(gather.heldPages());
        domain.sync(gather).await();
        assertThat(pages.taken()).isZero();
        for (ThrowingCallable call :
                List.<ThrowingCallable>of(
                        () -> domain.map(0, 0, M2, Access.READ),
                        () -> domain.tryMap(0, 0, M2, Access.READ, gather),
                        () -> domain.unmap(0, M2),
                        () -> domain.unmap(0, M2, gather),
                        () -> domain.cut(0, M2, gather),
                        () -> domain.split(0, M2, 0x1000, gather),
                        () -> domain.translate(0),
                        () -> domain.mappingAt(0),
                        () -> domain.mappings(0, M2, (iova, output, size, access) -> true),
                        domain::trim,
                        domain::statistics)) {
            assertThatThrownBy(call).isInstanceOf(IllegalStateException.class);
        }
        iommu.close();
        iommu.close();
        assertThatThrownBy(() -> iommu.createDomain(DomainOptions.defaults()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> iommu.onFault(fault -> {}))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void L1_closingTheIommuClosesItsDomains() {
        IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
        IommuDomain other = iommu.createDomain(DomainOptions.defaults().withAddressWidth(57));
        domain.map(0x1000, 0x1000, 1L << 30, Access.READ_WRITE);
        domain.unmap(M2, 0x1000);
        other.map((1L << 57) - 0x1000, 0, 0x1000, Access.READ);
        iommu.close();
        assertThat(pages.taken()).isZero();
        assertThatThrownBy(() -> domain.translate(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> other.translate(0)).isInstanceOf(IllegalStateException.class);
        domain.close();
    }

    @Test
    void L1_domainsComeAndGo() {
        for (int i = 0; i < 2000; i++) {
            IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
            domain.map(M2, 0, 0x1000, Access.READ);
            if (i % 4 != 0) {
                domain.close();
            }
        }
        assertThat(pages.taken()).isEqualTo(500 * 4);
    }

    @Test
    void M4_noPageForTheRootLeavesNothingBehind() {
        CapturingAllocator few = new CapturingAllocator();
        IommuOptions options =
                IommuOptions.memoryOnly(2 * 4096).with(TableAllocatorProvider.class, few);
        try (Iommu small = Iommu.open("vtd", options)) {
            IommuDomain domain = small.createDomain(DomainOptions.defaults());
            assertThatThrownBy(() -> small.createDomain(DomainOptions.defaults()))
                    .isInstanceOf(TableMemoryExhaustedException.class);
            domain.close();
            small.createDomain(DomainOptions.defaults());
        }
        assertThat(few.taken()).isZero();
    }

    private IommuOptions captured() {
        return options().with(TableAllocatorProvider.class, pages);
    }

    private static IommuOptions options() {
        return IommuOptions.memoryOnly(MEMORY);
    }

    private void illegal(DomainOptions options, String why) {
        assertThatThrownBy(() -> iommu.createDomain(options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    private static void foreign(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another domain");
    }

    private static void refused(ThrowingCallable call, Feature feature, String what) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        UnsupportedFeatureException.class,
                        e -> assertThat(e.feature()).isEqualTo(feature))
                .hasMessageContaining(feature.name())
                .hasMessageContaining(what);
    }

    /** A machine, of which nothing is asked. */
    private static final class NoMachine implements Machine {

        @Override
        public PhysicalMemory memory() {
            return PhysicalMemory.allocate(4096);
        }

        @Override
        public PhysicalMemory tableMemory() {
            return memory();
        }

        @Override
        public int hostAddressWidth() {
            return 46;
        }

        @Override
        public List<RemappingUnit> remappingUnits() {
            return List.of();
        }

        @Override
        public List<Device> devices() {
            return List.of();
        }

        @Override
        public void close() {}
    }
}
