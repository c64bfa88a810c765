package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.PartialUnmap;
import org.iommu4j.api.PartialUnmapException;
import org.iommu4j.api.TableMemoryExhaustedException;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One regression for each defect of the algorithm that this engine started from; the letters are
 * those of the list in the specification. Defects c, o and p are with the other tests of threads
 * and gathers.
 */
class SeedDefectsTest {

    private static final long OUT = 1L << 40;

    private static long size(PageTableFormat format, int level) {
        return 1L << format.shift(level);
    }

    private static TestDomain withLargeLeaf(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, size(format, 2), Access.READ_WRITE);
        return domain;
    }

    /** a: the new tables were not written back before the entry that leads to them. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void a_S7_newTablesAreWrittenBackBeforeTheyAreLinked(PageTableFormat format) {
        PhysicalMemory memory = PhysicalMemory.allocate(64L * PhysicalMemory.PAGE_SIZE);
        WriteBackCache cache = new WriteBackCache(memory, WriteBackCache.Leaving.NONE, () -> {});
        TestDomain domain =
                TestDomain.on(format)
                        .nonCoherent()
                        .observedBy(cache)
                        .open(memory, new TestAllocator(memory));
        domain.map(0, OUT, size(format, 2), Access.READ_WRITE);
        HardwareWalk walk = new HardwareWalk(format, memory);
        walk.to(domain.root(), 0);
        long leaf = walk.entryAddress();
        domain.observe(
                new MemoryObserver() {
                    @Override
                    public void beforeStore(long address, long value) {
                        cache.beforeStore(address, value);
                    }

                    @Override
                    public void beforeWriteBack(long address, long bytes) {
                        cache.beforeWriteBack(address, bytes);
                    }

                    @Override
                    public void beforeFence() {
                        cache.beforeFence();
                    }

                    @Override
                    public void beforeExchange(long address, long expected, long value) {
                        cache.beforeExchange(address, expected, value);
                        if (address == leaf) {
                            requireSeen(
                                    format.tableAddress(value),
                                    format.levels() - 1,
                                    format,
                                    memory,
                                    cache);
                        }
                    }
                });
        assertThat(domain.unmap(size(format, 1), size(format, 0))).isEqualTo(size(format, 0));
        assertThat(cache.load(leaf)).isEqualTo(memory.loadAcquire(leaf));
        domain.closeAndCheck();
    }

    private static void requireSeen(
            long table,
            int level,
            PageTableFormat format,
            PhysicalMemory memory,
            WriteBackCache cache) {
        for (int i = 0; i < format.entries(); i++) {
            long at = table + (long) i * Long.BYTES;
            long entry = memory.loadAcquire(at);
            assertThat(cache.load(at)).as("entry %s", i).isEqualTo(entry);
            boolean leadsOn = level > 1 && format.isPresent(entry) && !format.isLeaf(entry, 1);
            if (leadsOn && format.tableAddress(entry) < memory.size()) {
                requireSeen(format.tableAddress(entry), 0, format, memory, cache);
            }
        }
    }

    /** b: a range that covers parts of two leaves, and is as long as one, was not split at all. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void b_U6_asLongAsALeafButOverTwo(PageTableFormat format) {
        for (int level = 1; level <= 2; level++) {
            long leaf = size(format, level);
            TestDomain domain = TestDomain.on(format).open();
            domain.map(0, OUT, 2 * leaf, Access.READ_WRITE);
            assertThat(domain.unmap(leaf / 2, leaf)).isEqualTo(leaf);
            assertThat(domain.translate(leaf / 2 - 1)).isEqualTo(OUT + leaf / 2 - 1);
            assertThat(domain.translate(leaf / 2)).isEqualTo(-1);
            assertThat(domain.translate(leaf / 2 + leaf - 1)).isEqualTo(-1);
            assertThat(domain.translate(leaf / 2 + leaf)).isEqualTo(OUT + leaf / 2 + leaf);
            domain.closeAndCheck();
        }
    }

    /** c: an exchange that lost against the hardware setting a bit aborted the call. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void c_S4_anExchangeLostToTheHardwareIsTriedAgain(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).observed().open();
        domain.map(0, OUT, size(format, 1), Access.READ_WRITE);
        setBitBeforeTheFirstExchange(domain, format.dirtyMask());
        assertThat(domain.unmap(0, size(format, 0))).isEqualTo(size(format, 0));
        domain.closeAndCheck();
    }

    /** d: attributes above bit 11 were not inherited. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void d_S2_highAttributesAreInherited(PageTableFormat format) {
        Access access = Access.READ.withSoftware(0xfe);
        Access strict =
                format.features().contains(Feature.EXECUTE_DISABLE)
                        ? access.withExecuteDisabled()
                        : access;
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, size(format, 2), strict);
        domain.unmap(0, size(format, 0));
        assertThat(domain.mappingAt(size(format, 0)).orElseThrow().access()).isEqualTo(strict);
        assertThat(domain.mappingAt(size(format, 1)).orElseThrow().access()).isEqualTo(strict);
        domain.closeAndCheck();
    }

    /** e: an error midway left a half-done unmap. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void e_U4_aFailureAtTheSecondLeafLeavesTheFirst(PageTableFormat format) {
        long leaf = size(format, 1);
        TestDomain domain = TestDomain.on(format).open();
        domain.map(0, OUT, 3 * leaf, Access.READ);
        domain.allocator().leave(1);
        IotlbGather gather = domain.gather();
        assertThatThrownBy(() -> domain.unmap(leaf / 2, 2 * leaf, gather))
                .isInstanceOf(TableMemoryExhaustedException.class);
        for (long at = 0; at < 3 * leaf; at += leaf / 2) {
            assertThat(domain.translate(at)).isEqualTo(OUT + at);
        }
        assertThat(gather.isEmpty()).isTrue();
        domain.closeAndCheck();
    }

    /** f: tables of the first stage were linked without the user and accessed bits. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void f_S2_newTablesAreLinkedWithEveryBitTheyNeed(PageTableFormat format) {
        TestDomain domain = withLargeLeaf(format);
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        walk.to(domain.root(), 0);
        long leaf = walk.entryAddress();
        domain.unmap(0, size(format, 0));
        long entry = domain.memory().loadAcquire(leaf);
        assertThat(entry).isEqualTo(format.tableEntry(format.tableAddress(entry)));
        assertThat(walk.to(domain.root(), size(format, 0))).isTrue();
        domain.closeAndCheck();
    }

    /**
     * g: the error of a nested level was dropped, and unmap reported success with the page still
     * mapped.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void g_U4_anErrorAtANestedLevelIsReported(PageTableFormat format) {
        TestDomain domain = withLargeLeaf(format);
        for (int free = 0; free < 2; free++) {
            domain.allocator().leave(free);
            assertThatThrownBy(() -> domain.unmap(0, size(format, 0)))
                    .isInstanceOf(TableMemoryExhaustedException.class);
            assertThat(domain.translate(0)).isEqualTo(OUT);
        }
        domain.closeAndCheck();
    }

    /** h: only the small range was invalidated. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void h_G2_theWholeOldLeafIsInvalidated(PageTableFormat format) {
        TestDomain domain = withLargeLeaf(format);
        domain.unmap(size(format, 1) + size(format, 0), size(format, 0));
        assertThat(domain.flushes().getLast().covers(0, size(format, 2))).isTrue();
        domain.closeAndCheck();
    }

    /** i: the leaf-only hint was given although a non-leaf entry was made. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void i_G3_noLeafOnlyHintForASplit(PageTableFormat format) {
        TestDomain domain = withLargeLeaf(format);
        domain.unmap(0, size(format, 0));
        assertThat(domain.flushes().getLast().structureChanged()).isTrue();
        domain.closeAndCheck();
    }

    /**
     * j: the old entry was read three times, and a dirty bit set in between was lost in the
     * children.
     */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void j_S4_aDirtyBitSetDuringTheSplitReachesTheChildren(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).observed().open();
        domain.map(0, OUT, size(format, 1), Access.READ_WRITE);
        setBitBeforeTheFirstExchange(domain, format.dirtyMask());
        domain.unmap(0, size(format, 0));
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        for (long at = size(format, 0); at < size(format, 1); at += size(format, 0)) {
            assertThat(walk.to(domain.root(), at)).isTrue();
            assertThat(walk.entry() & format.dirtyMask()).as("dirty at 0x%x", at).isNotZero();
        }
        domain.closeAndCheck();
    }

    private static void setBitBeforeTheFirstExchange(TestDomain domain, long bit) {
        HardwareWalk walk = new HardwareWalk(domain.format(), domain.memory());
        walk.to(domain.root(), 0);
        long leaf = walk.entryAddress();
        domain.observe(
                new MemoryObserver() {
                    @Override
                    public void beforeExchange(long address, long expected, long value) {
                        long entry = domain.memory().loadAcquire(leaf);
                        if (address == leaf && (entry & bit) == 0) {
                            domain.memory().storeRelease(leaf, entry | bit);
                        }
                    }
                });
    }

    /** k: an early return skipped the write-back of what was already cleared. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void k_S7_whatWasClearedIsWrittenBackWhicheverWayTheCallEnds(PageTableFormat format) {
        PhysicalMemory memory = PhysicalMemory.allocate(64L * PhysicalMemory.PAGE_SIZE);
        WriteBackCache cache = new WriteBackCache(memory, WriteBackCache.Leaving.NONE, () -> {});
        TestDomain domain =
                TestDomain.on(format)
                        .nonCoherent()
                        .observedBy(cache)
                        .open(memory, new TestAllocator(memory));
        long page = size(format, 0);
        domain.map(0, OUT, 2 * page, Access.READ);
        domain.map(size(format, 1), OUT, size(format, 1), Access.READ);
        HardwareWalk seen =
                new HardwareWalk(format, memory.size(), (level, address) -> cache.load(address));
        IotlbGather gather = domain.gather();
        domain.allocator().leave(0);
        assertThatThrownBy(() -> domain.unmap(page, size(format, 1), gather))
                .isInstanceOf(TableMemoryExhaustedException.class);
        assertThat(seen.to(domain.root(), page)).isTrue();
        domain.allocator().leaveAll();
        domain.unmap(page, size(format, 1), gather);
        assertThat(seen.to(domain.root(), page)).isFalse();
        assertThat(seen.to(domain.root(), size(format, 1))).isFalse();
        assertThat(seen.to(domain.root(), size(format, 1) + page)).isTrue();
        domain.sync(gather).await();
        domain.closeAndCheck();
    }

    /** l: with a page for the first table and none for the second, the leaf was left split. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void l_S6_bothTablesOrNone(PageTableFormat format) {
        TestDomain domain = withLargeLeaf(format);
        domain.allocator().leave(1);
        assertThatThrownBy(() -> domain.unmap(0, size(format, 0)))
                .isInstanceOf(TableMemoryExhaustedException.class);
        assertThat(domain.mappingAt(0).orElseThrow().size()).isEqualTo(size(format, 2));
        assertThat(domain.statistics().splits()).isZero();
        assertThat(domain.allocator().free()).isEqualTo(1);
        domain.allocator().leave(2);
        assertThat(domain.unmap(0, size(format, 0))).isEqualTo(size(format, 0));
        domain.closeAndCheck();
    }

    /** m: tables made by splits stayed for ever. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void m_U5_tablesOfSplitsAreReclaimed(PageTableFormat format) {
        long page = size(format, 0);
        long leaf = size(format, 1);
        TestDomain domain =
                TestDomain.on(format).options(DomainOptions.defaults().withEmptyTables(0)).open();
        for (int round = 0; round < 3; round++) {
            domain.map(0, OUT, leaf, Access.READ);
            for (long at = leaf - page; at >= 0; at -= page) {
                assertThat(domain.unmap(at, page)).isEqualTo(page);
            }
            assertThat(domain.statistics().tablePages()).isEqualTo(1);
        }
        domain.closeAndCheck();
    }

    /** n: whether unmap takes whole leaves changed with no way to ask for it. */
    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void n_U3_whatPartialUnmapDoesCanBeAskedFor(PageTableFormat format) {
        long page = size(format, 0);
        long leaf = size(format, 1);
        for (PartialUnmap mode : PartialUnmap.values()) {
            TestDomain domain = TestDomain.on(format).partialUnmap(mode).open();
            domain.map(0, OUT, leaf, Access.READ);
            switch (mode) {
                case SPLIT -> assertThat(domain.unmap(0, page)).isEqualTo(page);
                case WIDEN -> assertThat(domain.unmap(0, page)).isEqualTo(leaf);
                case REJECT ->
                        assertThatThrownBy(() -> domain.unmap(0, page))
                                .isInstanceOf(PartialUnmapException.class);
            }
            assertThat(domain.statistics().mappedBytes())
                    .isEqualTo(
                            mode == PartialUnmap.SPLIT
                                    ? leaf - page
                                    : mode == PartialUnmap.WIDEN ? 0 : leaf);
            domain.closeAndCheck();
        }
    }
}
