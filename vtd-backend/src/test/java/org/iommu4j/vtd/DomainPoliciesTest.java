package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.api.Test;

/** What policies mean for a domain, seen from outside. */
class DomainPoliciesTest {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final long G1 = 0x4000_0000;
    private static final DomainOptions NO_SPARE = DomainOptions.defaults().withEmptyTables(0);

    private final IommuOptions deferred =
            IommuOptions.memoryOnly(1 << 20).with(FlushPolicyProvider.class, "deferred:age=10s");

    @Test
    void M8_aMapInsideAPendingSpanCompletesTheDeferredBatch() {
        try (Iommu iommu = Iommu.open("vtd", deferred);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            IotlbGather gather = domain.gather();
            domain.map(0, 0, M2, Access.READ_WRITE);
            domain.unmap(K4, K4, gather);
            FlushCompletion split = domain.sync(gather);
            assertThat(split.isDone()).isFalse();
            domain.map(G1, 0, K4, Access.READ_WRITE);
            assertThat(split.isDone()).as("by a map elsewhere").isFalse();
            domain.map(K4, K4, K4, Access.READ_WRITE);
            assertThat(split.isDone()).as("by a map in the leaf that was split").isTrue();
            assertThat(domain.statistics().invalidations().domain()).isEqualTo(1);
        }
    }

    @Test
    void G2_aPendingSplitWidensWhatIsHandedOverLater() {
        try (Iommu iommu = Iommu.open("vtd", deferred);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            IotlbGather gather = domain.gather();
            domain.map(0, 0, M2, Access.READ_WRITE);
            domain.unmap(K4, K4, gather);
            FlushCompletion split = domain.sync(gather);
            domain.unmap(3 * K4, K4, gather);
            assertThat(gather.start()).isZero();
            assertThat(gather.end()).isEqualTo(M2);
            assertThat(gather.structureChanged()).isTrue();
            domain.sync(gather).await();
            assertThat(split.isDone()).isTrue();
            domain.unmap(5 * K4, K4, gather);
            assertThat(gather.structureChanged()).as("nothing is pending any more").isFalse();
            gather.close();
        }
    }

    @Test
    void G1_tablePagesCountUntilTheirInvalidationHasCompleted() {
        try (Iommu iommu = Iommu.open("vtd", deferred);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            IotlbGather gather = domain.gather();
            domain.map(0, 0, K4, Access.READ_WRITE);
            assertThat(domain.statistics().tablePages()).isEqualTo(4);
            domain.unmap(0, K4, gather);
            FlushCompletion completion = domain.sync(gather);
            assertThat(domain.statistics().tablePages()).isEqualTo(4);
            completion.await();
            assertThat(domain.statistics().tablePages()).isEqualTo(1);
        }
    }

    @Test
    void L1_theTimersThreadEndsWithTheIommu() throws InterruptedException {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        Thread timer;
        FlushCompletion completion;
        try (Iommu iommu = Iommu.open("vtd", deferred);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            IotlbGather gather = domain.gather();
            domain.map(0, 0, K4, Access.READ_WRITE);
            domain.unmap(0, K4, gather);
            completion = domain.sync(gather);
            timer =
                    Thread.getAllStackTraces().keySet().stream()
                            .filter(thread -> thread.getName().equals("iommu4j vtd flush"))
                            .filter(thread -> !before.contains(thread))
                            .findFirst()
                            .orElseThrow();
            assertThat(timer.isDaemon()).isTrue();
            assertThat(completion.isDone()).isFalse();
        }
        assertThat(completion.isDone()).as("closing completes it").isTrue();
        timer.join(TimeUnit.SECONDS.toMillis(9));
        assertThat(timer.isAlive()).as("before the age of ten seconds").isFalse();
    }

    @Test
    void L1_G1_aDomainsOwnPolicyAndQuotaGoWithIt() {
        IommuOptions options = IommuOptions.memoryOnly(65 * K4);
        DomainOptions own =
                NO_SPARE.with(FlushPolicyProvider.class, "deferred:age=10s")
                        .with(
                                TableAllocatorProvider.class,
                                "quota:bytes=128k,over=reserve:pages=30");
        try (Iommu iommu = Iommu.open("vtd", options)) {
            for (int i = 0; i < 5; i++) {
                IommuDomain domain = iommu.createDomain(own);
                IotlbGather gather = domain.gather();
                domain.map(0, 0, M2, Access.READ_WRITE);
                domain.unmap(K4, K4, gather);
                FlushCompletion completion = domain.sync(gather);
                assertThat(completion.isDone()).isFalse();
                domain.close();
                assertThat(completion.isDone()).isTrue();
            }
        }
    }

    @Test
    void G1_anUnmapWithoutAGatherWaits() {
        try (Iommu iommu = Iommu.open("vtd", deferred);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            IotlbGather gather = domain.gather();
            domain.map(0, 0, 2 * K4, Access.READ_WRITE);
            domain.unmap(0, K4, gather);
            FlushCompletion before = domain.sync(gather);
            domain.unmap(K4, K4);
            assertThat(before.isDone()).isTrue();
        }
    }

    @Test
    void M4_aQuotaIsTheDomainsOwnAndTheRestIsNotConcerned() {
        IommuOptions options = IommuOptions.memoryOnly(64 * K4);
        DomainOptions small = NO_SPARE.with(TableAllocatorProvider.class, "quota:bytes=20k");
        try (Iommu iommu = Iommu.open("vtd", options);
                IommuDomain one = iommu.createDomain(small);
                IommuDomain other = iommu.createDomain(NO_SPARE)) {
            one.map(0, 0, K4, Access.READ_WRITE);
            assertThatThrownBy(() -> one.map(G1, 0, K4, Access.READ_WRITE))
                    .isInstanceOf(TableMemoryExhaustedException.class)
                    .hasMessageContaining("1");
            assertThat(one.statistics().tablePages()).isEqualTo(4);
            one.map(M2, 0, K4, Access.READ_WRITE);
            assertThat(one.statistics().tablePages()).isEqualTo(5);
            for (int i = 0; i < 16; i++) {
                other.map(i * G1, 0, K4, Access.READ_WRITE);
            }
            one.unmap(0, M2);
            one.map(2 * M2, 0, K4, Access.READ_WRITE);
        }
    }

    @Test
    void L1_aDomainsOwnReserveGoesBackWithIt() {
        IommuOptions options = IommuOptions.memoryOnly(65 * K4);
        DomainOptions reserving = NO_SPARE.with(TableAllocatorProvider.class, "reserve:pages=60");
        try (Iommu iommu = Iommu.open("vtd", options)) {
            for (int i = 0; i < 3; i++) {
                IommuDomain domain = iommu.createDomain(reserving);
                assertThatThrownBy(() -> iommu.createDomain(reserving))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("a reserve of 60 pages, where 3 are free");
                domain.close();
            }
        }
    }

    @Test
    void S6_splitsGoOnFromTheReserveWhenMapsCannot() {
        IommuOptions options =
                IommuOptions.memoryOnly(33 * K4)
                        .with(TableAllocatorProvider.class, "reserve:pages=8");
        try (Iommu iommu = Iommu.open("vtd", options);
                IommuDomain domain = iommu.createDomain(NO_SPARE)) {
            domain.map(0, 0, 4 * G1, Access.READ_WRITE);
            assertThatThrownBy(
                            () -> {
                                for (int i = 4; i < 512; i++) {
                                    domain.map(i * G1, 0, K4, Access.READ_WRITE);
                                }
                            })
                    .isInstanceOf(TableMemoryExhaustedException.class);
            long before = domain.statistics().tablePages();
            for (int i = 0; i < 4; i++) {
                domain.unmap(i * G1 + K4, K4);
            }
            assertThat(domain.statistics().tablePages()).isEqualTo(before + 8);
            assertThat(domain.translate(G1)).isEqualTo(G1);
            domain.unmap(0, G1);
            domain.unmap(2 * G1 + M2, K4);
        }
    }

    @Test
    void whatADomainCannotChooseIsRefused() {
        try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(1 << 20))) {
            assertThatThrownBy(() ->
                            iommu.createDomain(NO_SPARE.with(TableAllocatorProvider.class, "slab")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("\"quota\"");
            assertThatThrownBy(() ->
                            iommu.createDomain(NO_SPARE.with(CacheFlusherProvider.class, "line")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("its flush policy and its table allocator");
        }
    }

    @Test
    void M1_anIommuOnMemoryThatAnotherOneUsedBeginsAnew() {
        PhysicalMemory memory = PhysicalMemory.allocate(1 << 20);
        for (int i = 0; i < 3; i++) {
            try (Iommu iommu = Iommu.open("vtd", IommuOptions.memoryOnly(memory));
                    IommuDomain domain = iommu.createDomain(NO_SPARE)) {
                assertThat(domain.translate(K4)).isEqualTo(IommuDomain.NOT_MAPPED);
                domain.map(K4, M2, K4, Access.READ_WRITE);
                domain.map(G1, 0, M2, Access.READ_WRITE);
                assertThat(domain.statistics().mappedBytes()).isEqualTo(K4 + M2);
            }
        }
    }
}
