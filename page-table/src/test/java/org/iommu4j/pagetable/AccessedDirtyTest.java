package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.MemoryObserver;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** S4: bits that a walker sets, whenever it sets them, stay with every page that stays mapped. */
class AccessedDirtyTest {

    private static final int INSTANTS = 40;

    /**
     * A device that uses a page just before the engine's accesses of given numbers: first it reads,
     * which sets A, then it writes, which sets D, so that an exchange can be lost twice.
     */
    private static final class Device implements MemoryObserver {

        private final TestDomain domain;
        private final HardwareWalk walk;
        private final long iova;
        private final List<Long> use;
        private long accesses;
        private final List<Long> exchanges = new ArrayList<>();
        private long bitsSet;

        Device(TestDomain domain, long iova, List<Long> use) {
            this.domain = domain;
            this.walk = new HardwareWalk(domain.format(), domain.memory().size(), this::load);
            this.iova = iova;
            this.use = use;
        }

        @Override
        public void beforeStore(long address, long value) {
            access();
        }

        @Override
        public void beforeLoad(long address) {
            access();
        }

        @Override
        public void beforeExchange(long address, long expected, long value) {
            exchanges.add(accesses);
            access();
        }

        private void access() {
            if (use.contains(accesses++)) {
                PageTableFormat format = domain.format();
                set(
                        (bitsSet & format.accessedMask()) == 0
                                ? format.accessedMask()
                                : format.dirtyMask());
            }
        }

        /** Reads an entry, and sets the accessed bit of one that points to a table. */
        private long load(int level, long address) {
            PageTableFormat format = domain.format();
            PhysicalMemory memory = domain.memory();
            while (true) {
                long entry = memory.loadAcquire(address);
                if (!format.isPresent(entry) || format.isLeaf(entry, level)) {
                    return entry;
                }
                long used = entry | format.accessedMask();
                if (memory.compareAndExchange(address, entry, used) == entry) {
                    return used;
                }
            }
        }

        /** As hardware: by compare-and-exchange, and a new walk when that fails. */
        private void set(long bits) {
            PhysicalMemory memory = domain.memory();
            while (walk.to(domain.root(), iova)) {
                long entry = walk.entry();
                if (memory.compareAndExchange(walk.entryAddress(), entry, entry | bits) == entry) {
                    bitsSet |= bits;
                    return;
                }
            }
        }
    }

    static Stream<Scenario> scenarios() {
        return Scenario.all()
                .filter(scenario -> scenario.base() == 0 || scenario.format().levels() == 4);
    }

    @ParameterizedTest
    @MethodSource("scenarios")
    void S4_bitsSetAtAnyInstantStay(Scenario scenario) {
        Device dry = run(scenario, scenario.base(), List.of());
        long last = dry.accesses;
        List<List<Long>> instants = new ArrayList<>();
        long stride = Math.max(1, last / INSTANTS);
        for (long first = 0; first < last; first += stride) {
            instants.add(List.of(first, first + 1));
        }
        for (long exchange : dry.exchanges) {
            instants.add(List.of(exchange));
            instants.add(List.of(exchange - 1, exchange));
        }
        instants.add(dry.exchanges);
        instants.add(Stream.iterate(0L, i -> i + 1).limit(Math.min(last, 64)).toList());
        for (long place : usedPlaces(scenario)) {
            for (List<Long> use : instants.subList(0, Math.min(instants.size(), 3 * INSTANTS))) {
                run(scenario, place, use);
            }
        }
    }

    /** Pages that are mapped before and after, a few of them. */
    private static long[] usedPlaces(Scenario scenario) {
        TestDomain domain = scenario.open(TestDomain.on(scenario.format()));
        HardwareWalk walk = new HardwareWalk(domain.format(), domain.memory());
        long[] mapped =
                Arrays.stream(scenario.places())
                        .filter(place -> walk.to(domain.root(), place))
                        .toArray();
        scenario.actAndSync(domain);
        long[] stay =
                Arrays.stream(mapped).filter(place -> walk.to(domain.root(), place)).toArray();
        int stride = Math.max(1, stay.length / 6);
        return IntStream.range(0, stay.length)
                .filter(i -> i % stride == 0 || i == stay.length - 1)
                .mapToLong(i -> stay[i])
                .toArray();
    }

    private static Device run(Scenario scenario, long place, List<Long> use) {
        TestDomain domain = scenario.open(TestDomain.on(scenario.format()).observed());
        Device device = new Device(domain, place, use);
        IotlbGather gather = domain.gather();
        domain.observe(device);
        scenario.act(domain, gather);
        domain.observeNothing();
        if (device.walk.to(domain.root(), place)) {
            assertThat(device.walk.entry() & device.bitsSet)
                    .as("bits of 0x%x used before accesses %s", place, use)
                    .isEqualTo(device.bitsSet);
        }
        domain.sync(gather).await();
        return device;
    }

    @ParameterizedTest
    @MethodSource("org.iommu4j.pagetable.TestFormats#all")
    void S4_S2_everyChildInheritsTheBits(PageTableFormat format) {
        TestDomain domain = TestDomain.on(format).open();
        long size = 1L << format.shift(2);
        domain.map(0, size, size, Access.READ_WRITE);
        HardwareWalk walk = new HardwareWalk(format, domain.memory());
        walk.to(domain.root(), 0);
        long bits = format.accessedMask() | format.dirtyMask();
        domain.memory().storeRelease(walk.entryAddress(), walk.entry() | bits);
        domain.unmap(1L << format.shift(1), 1L << format.shift(0));
        domain.mappings(
                0,
                size,
                (iova, output, pageSize, access) -> {
                    assertThat(walk.to(domain.root(), iova)).isTrue();
                    assertThat(walk.entry() & bits).as("bits at 0x%x", iova).isEqualTo(bits);
                    return true;
                });
        domain.closeAndCheck();
    }
}
