package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.pagetable.WriteBackCache.Leaving;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * S7: a walker that does not snoop the processor's cache sees every operation as hitless too, and
 * its end when it returns.
 */
class WriteBackTest {

    static Stream<Arguments> scenarios() {
        return Scenario.all()
                .flatMap(each ->
                        Stream.of(Leaving.values()).map(leaving -> Arguments.of(each, leaving)));
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void S7_hitlessForAWalkerThatDoesNotSnoop(Scenario scenario, Leaving leaving) {
        ObserverSwitch watcher = new ObserverSwitch();
        NonCoherent world =
                new NonCoherent(scenario.format(), leaving, () -> watcher.target.beforeFence());
        scenario.ready().accept(world.domain);
        world.cache.reachable(world.requireWrittenBack());

        HitlessCheck check = new HitlessCheck(world.walk, world.domain.root(), scenario.places());
        watcher.target =
                new MemoryObserver() {
                    @Override
                    public void beforeFence() {
                        check.look();
                    }
                };
        IotlbGather gather = world.domain.gather();
        scenario.act(world.domain, gather);
        check.look();
        check.end();
        world.requireWrittenBack();
        watcher.target = ObserverSwitch.NOBODY;
        world.domain.sync(gather).await();
        world.domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S7_everythingIsWrittenBackAfterEveryRandomOperation(PageTableFormat format) {
        NonCoherent world = new NonCoherent(format, Leaving.NONE, () -> {});
        RandomTraffic traffic =
                new RandomTraffic(format, new ReferenceModel(format, DomainOptions.defaults()), 5);
        IotlbGather gather = world.domain.gather();
        for (int i = 0; i < 400; i++) {
            Operation op = traffic.next();
            if (op.size() > 3L << format.shift(1) && format.entries() > 16) {
                continue;
            }
            switch (op.kind()) {
                case MAP, MAP_AND_WAIT, TRY_MAP ->
                        world.domain.tryMap(op.iova(), op.output(), op.size(), op.access(), gather);
                case UNMAP, UNMAP_AND_WAIT -> world.domain.unmap(op.iova(), op.size(), gather);
                case CUT -> world.domain.cut(op.iova(), op.size(), gather);
                case SPLIT -> world.domain.split(op.iova(), op.size(), op.pageSize(), gather);
                default -> world.domain.sync(gather).await();
            }
            world.requireWrittenBack();
        }
        world.domain.sync(gather).await();
        world.domain.closeAndCheck();
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S7_nothingIsWrittenBackForAWalkerThatSnoops(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).observed().open();
        domain.observe(
                new MemoryObserver() {
                    @Override
                    public void beforeWriteBack(long address, long bytes) {
                        throw new AssertionError("written back");
                    }
                });
        domain.map(0, 0, 2L << format.shift(1), Access.READ);
        assertThat(domain.unmap(1L << format.shift(0), 1L << format.shift(0)))
                .isEqualTo(1L << format.shift(0));
        domain.closeAndCheck();
    }

    /** A domain whose walker does not snoop. */
    private static final class NonCoherent {

        private final TestDomain domain;
        private final WriteBackCache cache;
        private final HardwareWalk walk;

        /**
         * The engine makes its root before anybody can watch, so everything begins behind the
         * cache.
         */
        NonCoherent(PageTableFormat format, Leaving leaving, Runnable afterEach) {
            PhysicalMemory memory = PhysicalMemory.allocate(2_000L * PhysicalMemory.PAGE_SIZE);
            cache = new WriteBackCache(memory, leaving, afterEach);
            domain =
                    TestDomain.on(format)
                            .emptyTables(4)
                            .nonCoherent()
                            .observedBy(cache)
                            .open(memory, new TestAllocator(memory));
            walk = new HardwareWalk(format, memory.size(), (level, address) -> cache.load(address));
        }

        /**
         * In every table that can be reached, the walker sees what was stored; returns the tables.
         */
        Set<Long> requireWrittenBack() {
            Set<Long> tables = new HashSet<>();
            requireWrittenBack(domain.root(), domain.format().levels() - 1, tables);
            return tables;
        }

        private void requireWrittenBack(long table, int level, Set<Long> tables) {
            PageTableFormat format = domain.format();
            tables.add(table);
            for (long at = table;
                    at < table + format.entries() * (long) Long.BYTES;
                    at += Long.BYTES) {
                long entry = domain.memory().loadAcquire(at);
                if (cache.load(at) != entry) {
                    throw new AssertionError(
                            String.format(
                                    "the walker sees 0x%x at 0x%x, level %d, and 0x%x was stored",
                                    cache.load(at), at, level, entry));
                }
                if (format.isPresent(entry) && !format.isLeaf(entry, level)) {
                    requireWrittenBack(format.tableAddress(entry), level - 1, tables);
                }
            }
        }
    }
}
