package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.Reference;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** L1: a domain's end returns every page, whatever state it ends in. */
class LifeCycleTest {

    private static final long OUT = 1L << 40;

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void L1_closeReturnsEveryPage(PageTableFormat format) {
        RandomTraffic traffic =
                new RandomTraffic(format, new ReferenceModel(format, DomainOptions.defaults()), 17);
        for (int round = 0; round < 20; round++) {
            TestDomain domain = TestDomain.on(format).emptyTables(round).open();
            IotlbGather gather = domain.gather();
            for (int i = 0; i < 200; i++) {
                Operation op = traffic.next();
                if (op.kind() == Operation.Kind.UNMAP) {
                    domain.unmap(op.iova(), op.size(), gather);
                } else if (op.size() <= 1L << format.shift(2)) {
                    domain.tryMap(op.iova(), op.output(), op.size(), op.access(), gather);
                }
            }
            assertThat(domain.allocator().taken()).isGreaterThan(1);
            domain.sync(gather).await();
            domain.closeAndCheck();
            domain.closeAndCheck();
        }
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void L1_aGatherThatOutlivesItsDomainStillReturnsItsPages(PageTableFormat format) {
        long page = 1L << format.shift(0);
        TestDomain domain = TestDomain.on(format).manual().open();
        domain.map(0, OUT, page, Access.READ);
        IotlbGather gather = domain.gather();
        domain.unmap(0, page, gather);
        int held = gather.heldPages();
        assertThat(held).isPositive();
        domain.close();
        assertThat(domain.allocator().taken()).isEqualTo(held);
        domain.sync(gather).await();
        domain.allocator().everythingReturned();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void L1_aClosedDomainRefusesEveryOperation(PageTableFormat format) {
        long page = 1L << format.shift(0);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 3 * page, Access.READ);
        IotlbGather gather = domain.gather();
        domain.closeAndCheck();
        List<ThrowingCallable> calls =
                List.of(
                        () -> domain.map(0, OUT, page, Access.READ),
                        () -> domain.map(0, OUT, page, Access.READ, gather),
                        () -> domain.map(0, OUT, 1L << format.shift(1), Access.READ, gather),
                        () -> domain.tryMap(0, OUT, page, Access.READ, gather),
                        () -> domain.unmap(0, page),
                        () -> domain.unmap(0, 1L << format.shift(2), gather),
                        () -> domain.cut(0, page, gather),
                        () -> domain.split(0, page, page, gather),
                        () -> domain.translate(0),
                        () -> domain.mappingAt(0),
                        () -> domain.mappings(0, page, (i, o, s, a) -> true),
                        domain::statistics,
                        domain::trim);
        for (int i = 0; i < calls.size(); i++) {
            assertThatThrownBy(calls.get(i))
                    .as("call %s", i)
                    .isInstanceOf(IllegalStateException.class);
        }
        domain.allocator().everythingReturned();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void L1_noPageForTheRoot(PageTableFormat format) {
        PhysicalMemory memory = PhysicalMemory.allocate(16L * PhysicalMemory.PAGE_SIZE);
        TestAllocator allocator = new TestAllocator(memory);
        allocator.leave(0);
        assertThatThrownBy(() -> TestDomain.on(format).open(memory, allocator))
                .isInstanceOf(TableMemoryExhaustedException.class);
        allocator.leave(1);
        TestDomain.on(format).open(memory, allocator).closeAndCheck();
    }

    /** More domains one after the other than there can be at a time. */
    @Test
    void L1_aMemoryServesAnyNumberOfDomains() {
        PhysicalMemory memory = PhysicalMemory.allocate(64L * PhysicalMemory.PAGE_SIZE);
        TestAllocator allocator = new TestAllocator(memory);
        PageTableFormat format = TestFormats.tiny();
        for (int i = 0; i < 33_000; i++) {
            TestDomain domain = TestDomain.on(format).open(memory, allocator);
            domain.map(0, OUT, 0x1000, Access.READ);
            domain.close();
        }
        allocator.everythingReturned();
    }

    /** Two domains share memory and allocator, and pages go from one to the other. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void L1_pagesGoFromDomainToDomain(PageTableFormat format) {
        long page = 1L << format.shift(0);
        PhysicalMemory memory = PhysicalMemory.allocate(64L * PhysicalMemory.PAGE_SIZE);
        TestAllocator allocator = new TestAllocator(memory);
        TestDomain first = TestDomain.on(format).open(memory, allocator);
        TestDomain second = TestDomain.on(format).open(memory, allocator);
        for (int i = 0; i < 200; i++) {
            TestDomain mapping = i % 2 == 0 ? first : second;
            TestDomain empty = i % 2 == 0 ? second : first;
            mapping.map(i * page % (16 * page), OUT + i * page, page, Access.READ);
            assertThat(empty.translate(i * page % (16 * page))).isEqualTo(IommuDomain.NOT_MAPPED);
            assertThat(mapping.translate(i * page % (16 * page))).isEqualTo(OUT + i * page);
            mapping.unmap(0, 16 * page);
        }
        first.close();
        second.closeAndCheck();
    }

    /**
     * A gather that is dropped loses nothing: everything is invalidated, and its pages come back.
     */
    @Test
    void G6_anAbandonedGatherReturnsItsPages() throws InterruptedException {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
        domain.map(0, OUT, 0x1000, Access.READ);
        abandon(domain);
        Instant deadline = Instant.now().plus(Duration.ofSeconds(20));
        while (domain.allocator().taken() > 1 && Instant.now().isBefore(deadline)) {
            System.gc();
            Thread.sleep(5);
        }
        assertThat(domain.allocator().taken()).isEqualTo(1);
        TestDomain.Flush flush = domain.flushes().getLast();
        assertThat(flush.covers(0, 1L << 48)).isTrue();
        assertThat(flush.structureChanged()).isTrue();
        domain.closeAndCheck();
    }

    private static void abandon(TestDomain domain) {
        IotlbGather gather = domain.gather();
        try {
            assertThat(domain.unmap(0, 0x1000, gather)).isEqualTo(0x1000);
            assertThat(domain.allocator().taken()).isEqualTo(4);
        } finally {
            Reference.reachabilityFence(gather);
        }
    }
}
