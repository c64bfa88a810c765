package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.vtd.EmulatedWorld.BLOCKED;
import static org.iommu4j.vtd.EmulatedWorld.dmaRead;
import static org.iommu4j.vtd.EmulatedWorld.dmaWrite;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.iommu4j.api.Access;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every fault a unit records reaches who listens, in words. */
@Timeout(60)
class FaultReportingTest {

    private static final long RESERVED = 1L << 50;
    private static final long NOWHERE = 1L << 45;

    private final List<EmulatedWorld> worlds = new ArrayList<>();
    private final BlockingQueue<DmaFault> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void L1_closeLeavesNothingBehind() {
        worlds.forEach(EmulatedWorld::close);
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void F1_whatADeviceMayNotDoIsReported(int width) throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().units(2));
        Device device = world.device(1);
        assertThat(dmaRead(device, 0x7123_4568L)).isEqualTo(BLOCKED);
        expect(device, 0x7123_4000L, false, 0x1, "the root entry is not present");
        IommuDomain domain =
                world.iommu.createDomain(DomainOptions.defaults().withAddressWidth(width));
        world.iommu.attach(device.source(), domain).close();
        dmaWrite(device, 0x1000, 1);
        expect(device, 0x1000, true, 0x2, "the context entry is not present");
        world.iommu.attach(device.source(), domain);
        dmaWrite(device, 0x1000, 1);
        expect(device, 0x1000, true, 0x5, "no write permission");
        dmaRead(device, 0x1008);
        expect(device, 0x1000, false, 0x6, "no read permission");
        domain.map(0x1000, 0x1000, 0x1000, Access.READ);
        domain.map(0x2000, 0x2000, 0x1000, Access.WRITE);
        dmaWrite(device, 0x1000, 1);
        expect(device, 0x1000, true, 0x5, "no write permission");
        dmaRead(device, 0x2000);
        expect(device, 0x2000, false, 0x6, "no read permission");
        dmaRead(device, 1L << width);
        expect(device, 1L << width, false, 0x4, "the address is beyond the width");
        domain.map(0x3000, 0xfee0_0000L, 0x1000, Access.READ_WRITE);
        dmaWrite(device, 0x3010, 1);
        expect(device, 0x3000, true, 0xe, "the output address is in the interrupt range");
        assertThat(world.iommu.faultCounts()).isEqualTo(new FaultCounts(8, 0, 0));
        assertThat(world.registers(1).read32(UnitRegisters.FSTS)).isZero();
    }

    @Test
    void F1_brokenTablesAreReported() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().sanitizer(false));
        Device device = world.device(0);
        IommuDomain domain = world.domain();
        world.iommu.attach(device.source(), domain);
        domain.map(0, 0, 0x1000, Access.READ);
        long root = world.registers(0).read64(UnitRegisters.RTADDR);
        long context = (world.peek(root) & ~0xfffL) + device.source().requester() * 16L;
        long table = world.peek(context) & ~0xfffL;
        broken(world, root, RESERVED, 0xa, "reserved bits are set in the root entry");
        broken(world, context, RESERVED, 0xb, "reserved bits are set in the context entry");
        broken(world, context, 3 << 2, 0x3, "the context entry is invalid");
        broken(world, root, NOWHERE, 0x9, "the context table cannot be read");
        broken(world, context, NOWHERE, 0x7, "a page table cannot be read");
        broken(world, table, RESERVED, 0xc, "reserved bits are set in a page-table entry");
        assertThat(dmaRead(device, 0)).isZero();
        new UnitRegisters(world.registers(0), Patience.USUAL).rootTable(NOWHERE);
        forgetEverything(world);
        dmaRead(device, 0);
        expect(device, 0, false, 0x8, "the root table cannot be read");
    }

    private void broken(EmulatedWorld world, long entry, long bits, int code, String words)
            throws Exception {
        long whole = world.peek(entry);
        world.poke(entry, whole | bits);
        forgetEverything(world);
        dmaRead(world.device(0), 0);
        expect(world.device(0), 0, false, code, words);
        world.poke(entry, whole);
        forgetEverything(world);
    }

    /** By the register interface it could not be done: the queue is on. */
    private static void forgetEverything(EmulatedWorld world) {
        Unit unit = units(world).getFirst();
        unit.complete(Descriptor.allContexts());
        unit.complete(Descriptor.allTranslations(unit.capabilities()));
    }

    private static List<Unit> units(EmulatedWorld world) {
        return ((VtdIommu) world.iommu).units().all();
    }

    @Test
    void F1_faultsComeInOrderOnceEach() throws Exception {
        EmulatedWorld world = world(EmulatorOptions.legacy().faultRecords(128));
        for (long page = 1; page <= 100; page++) {
            dmaRead(world.device(0), page << 12);
        }
        for (long page = 1; page <= 100; page++) {
            expect(world.device(0), page << 12, false, 1, "the root entry is not present");
        }
        assertThat(heard.poll(20, TimeUnit.MILLISECONDS)).isNull();
    }

    /** FSTS names the record of the second fault then, though the third is all there is. */
    @Test
    void F1_faultsThatComeWhileRecordsAreTakenAreReported() {
        EmulatedWorld world = unheard(EmulatorOptions.legacy().faultRecords(2));
        Unit unit = units(world).getFirst();
        List<Long> pages = new ArrayList<>();
        dmaRead(world.device(0), 0x1000);
        unit.takeFaults(fault -> {
            pages.add(fault.iova());
            if (fault.iova() == 0x1000) {
                dmaRead(world.device(0), 0x2000);
                dmaRead(world.device(0), 0x3000);
            }
        });
        unit.takeFaults(fault -> pages.add(fault.iova()));
        assertThat(pages).containsExactly(0x1000L, 0x2000L, 0x3000L);
        assertThat(world.registers(0).read32(UnitRegisters.FSTS)).isZero();
    }

    @Test
    void F1_overflowIsFlaggedAndCounted() throws Exception {
        EmulatedWorld world = unheard(EmulatorOptions.legacy().faultRecords(2));
        for (long page = 1; page <= 5; page++) {
            dmaRead(world.device(0), page << 12);
        }
        world.iommu.onFault(heard::add);
        assertThat(next().overflowed()).isFalse();
        assertThat(next().iova()).isEqualTo(0x2000);
        while (world.iommu.faultCounts().overflows() == 0) {
            Thread.onSpinWait();
        }
        dmaRead(world.device(0), 0x9000);
        DmaFault after = next();
        assertThat(after.iova()).isEqualTo(0x9000);
        assertThat(after.overflowed()).isTrue();
        assertThat(after)
                .hasToString(
                        after.source()
                                + " may not read 0x9000: "
                                + after.reason()
                                + " (0x1); "
                                + after.source()
                                + " is attached to no domain; faults before it were lost");
        dmaRead(world.device(0), 0xa000);
        assertThat(next().overflowed()).isFalse();
        assertThat(world.iommu.faultCounts()).isEqualTo(new FaultCounts(4, 1, 0));
    }

    /** Only who blocks is behind: the others have heard of all when the next faults come. */
    @Test
    void F3_aListenerThatThrowsOrBlocksStopsNobody() throws Exception {
        EmulatedWorld world = unheard(EmulatorOptions.legacy().faultRecords(128));
        CountDownLatch release = new CountDownLatch(1);
        Semaphore thrown = new Semaphore(0);
        AutoCloseable throwing =
                world.iommu.onFault(fault -> {
                    thrown.release();
                    throw new IllegalStateException("on purpose: " + fault);
                });
        AutoCloseable blocking =
                world.iommu.onFault(_ -> {
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
        world.iommu.onFault(heard::add);
        for (long first = 1; first <= 5000; first += 100) {
            for (long page = first; page < first + 100; page++) {
                dmaRead(world.device(0), page << 12);
            }
            for (long page = first; page < first + 100; page++) {
                assertThat(next().iova()).isEqualTo(page << 12);
            }
            assertThat(thrown.tryAcquire(100, 10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(world.iommu.faultCounts().recorded()).isEqualTo(5000);
        assertThat(world.iommu.faultCounts().dropped()).isBetween(1L, 5000L - 4096);
        throwing.close();
        release.countDown();
        blocking.close();
        dmaRead(world.device(0), 0x1000);
        assertThat(next().code()).isEqualTo(1);
    }

    @Test
    void F1_whatWasRecordedBeforeTheHearingEndsIsHeard() throws Exception {
        EmulatedWorld world = unheard(EmulatorOptions.legacy());
        AutoCloseable hearing = world.iommu.onFault(heard::add);
        dmaRead(world.device(0), 0x1000);
        hearing.close();
        assertThat(heard).hasSize(1);
        hearing.close();
        dmaRead(world.device(0), 0x2000);
        Thread.sleep(20);
        assertThat(heard).hasSize(1);
        world.iommu.onFault(heard::add);
        dmaRead(world.device(0), 0x3000);
        world.iommu.close();
        assertThat(heard).extracting(DmaFault::iova).contains(0x1000L, 0x3000L);
        assertThatThrownBy(() -> world.iommu.onFault(heard::add))
                .isInstanceOf(IllegalStateException.class);
    }

    /**
     * It reads registers, and logs: of a machine that is gone, or into what somebody else reads.
     */
    @Test
    void L1_nobodyLooksForFaultsBehindTheEnd() {
        for (int round = 0; round < 20; round++) {
            Set<Thread> before = Thread.getAllStackTraces().keySet();
            EmulatedWorld world = world(EmulatorOptions.legacy());
            Thread looker =
                    Thread.getAllStackTraces().keySet().stream()
                            .filter(thread -> thread.getName().equals("iommu4j vtd faults"))
                            .filter(thread -> !before.contains(thread))
                            .findFirst()
                            .orElseThrow();
            world.iommu.close();
            assertThat(looker.isAlive()).isFalse();
        }
    }

    @Test
    void F3_aListenerMayEndItsOwnHearing() throws Exception {
        EmulatedWorld world = unheard(EmulatorOptions.legacy());
        List<AutoCloseable> own = new ArrayList<>();
        CountDownLatch ready = new CountDownLatch(1);
        own.add(
                world.iommu.onFault(fault -> {
                    try {
                        ready.await();
                        own.getFirst().close();
                        heard.add(fault);
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                }));
        ready.countDown();
        dmaRead(world.device(0), 0x1000);
        assertThat(next().iova()).isEqualTo(0x1000);
    }

    @Test
    void everyReasonHasWords() {
        int[][] ranges = {
            {1, 0xe},
            {0x20, 0x26},
            {0x30, 0x32},
            {0x38, 0x3a},
            {0x40, 0x48},
            {0x50, 0x52},
            {0x58, 0x5d},
            {0x70, 0x7c},
            {0x80, 0x87},
            {0x90, 0x91}
        };
        for (int code :
                Stream.of(ranges)
                        .flatMapToInt(range -> IntStream.rangeClosed(range[0], range[1]))
                        .toArray()) {
            assertThat(FaultReason.inWords(code)).doesNotContain("does not know");
        }
        assertThat(FaultReason.inWords(0xff)).contains("does not know");
    }

    private DmaFault next() throws InterruptedException {
        DmaFault fault = heard.poll(10, TimeUnit.SECONDS);
        assertThat(fault).isNotNull();
        return fault;
    }

    private void expect(Device device, long page, boolean write, int code, String words)
            throws InterruptedException {
        assertThat(next())
                .usingRecursiveComparison()
                .ignoringFields("explanation")
                .isEqualTo(
                        new DmaFault(
                                device.source(),
                                SourceId.NO_PASID,
                                page,
                                write,
                                code,
                                words,
                                false));
    }

    private EmulatedWorld world(EmulatorOptions options) {
        EmulatedWorld world = unheard(options);
        world.iommu.onFault(heard::add);
        return world;
    }

    private EmulatedWorld unheard(EmulatorOptions options) {
        EmulatedWorld world = new EmulatedWorld(options);
        worlds.add(world);
        return world;
    }
}
