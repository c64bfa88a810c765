package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.assertj.core.api.Assertions;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * One id of a device comes while another is leaving, or could not leave because the unit failed:
 * they share a directory, a context entry and a translation service.
 */
@Timeout(60)
class OverlappingPasidsTest {

    private static final SourceId DEVICE = SourceId.parse("00:02.0");
    private static final int REQUESTER = DEVICE.requester();
    private static final int INVALID = 1;
    private static final int SERVED = 1 << 2 | 1 << 4;

    private final ScriptedMachine machine = new ScriptedMachine();
    private final PhysicalMemory memory = machine.memory();
    private final List<String> noted = new ArrayList<>();
    private final ScriptedUnit unit =
            machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
    private final ScriptedRequests requests = new ScriptedRequests(unit, memory, DEVICE);
    private VtdIommu iommu;
    private IommuDomain plain;
    private IommuDomain asking;

    @BeforeEach
    void open() {
        machine.add(new ScriptedDevice(DEVICE, true, noted));
        iommu = (VtdIommu) Iommu.open("vtd", IommuOptions.on(machine));
        plain = iommu.createDomain(DomainOptions.defaults());
        asking = iommu.createDomain(DomainOptions.defaults().withPageRequests(true));
    }

    @AfterEach
    void L1_everythingCanBeClosed() {
        iommu.close();
    }

    private static void hold(CountDownLatch goOn) {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private long contextEntry() {
        long root = unit.get64(UnitRegisters.RTADDR) & -0x1000;
        return memory.loadPlain((memory.loadPlain(root) & -0x1000) + REQUESTER * 32L);
    }

    private long pasidEntry(int pasid) {
        long table = memory.loadPlain((contextEntry() & -0x1000) + (pasid >>> 6) * 8L) & -0x1000;
        return memory.loadPlain(table + (pasid & 0x3f) * 64L);
    }

    /** As two threads do it: one has made room and not more when the other takes the last id. */
    @Test
    void L2_whatIsWithinReachStaysThereWhenTheLastOtherIdLeaves() {
        Attachment leaving = iommu.attach(DEVICE, 1, plain);
        Unit driven = iommu.units().of(DEVICE);
        Route coming = driven.route(DEVICE, 2);
        driven.reach(coming);
        leaving.close();
        driven.attach(coming, (VtdDomain) plain);
        assertThat(contextEntry() & 0xfff).isEqualTo(0x409);
        assertThat(pasidEntry(2) & 0xfff).isEqualTo(0x89);
        assertThat(pasidEntry(1)).isZero();
        driven.detach(coming, (VtdDomain) plain);
        assertThat(contextEntry()).isZero();
    }

    @Test
    void L2_anIdIsReachedThoughTheLastOtherOneCouldNotLeave() {
        Attachment leaving = iommu.attach(DEVICE, 1, plain);
        unit.refuse(Descriptor.contextOf(0, REQUESTER));
        assertThatThrownBy(leaving::close).isInstanceOf(IommuException.class);
        assertThat(contextEntry() & 1).isZero();
        try (Attachment _ = iommu.attach(DEVICE, 2, plain)) {
            assertThat(contextEntry() & 0xfff).isEqualTo(0x409);
            leaving.close();
            assertThat(contextEntry() & 0xfff).isEqualTo(0x409);
            assertThat(pasidEntry(1)).isZero();
            assertThat(pasidEntry(2) & 0xfff).isEqualTo(0x89);
        }
        assertThat(contextEntry()).isZero();
    }

    @Test
    void G7_aDeviceWhoseServiceIsOffIsNotAskedThoughTheUnitFailedToForbidIt() {
        Attachment leaving = iommu.attach(DEVICE, 1, asking);
        asking.map(0x3000, 0x3000, 0x1000, Access.READ);
        unit.refuse(Descriptor.contextOf(0, REQUESTER));
        assertThatThrownBy(leaving::close).isInstanceOf(IommuException.class);
        assertThat(noted).endsWith("off");
        unit.carriedOut.clear();
        asking.unmap(0x3000, 0x1000);
        assertThat(unit.carriedOut).hasSize(1).doesNotContain(Descriptor.fence());
    }

    @Test
    void theServiceIsTurnedOnAgainThoughTheUnitFailedToForbidIt() {
        Attachment leaving = iommu.attach(DEVICE, 1, asking);
        unit.refuse(Descriptor.contextOf(0, REQUESTER));
        assertThatThrownBy(leaving::close).isInstanceOf(IommuException.class);
        try (Attachment _ = iommu.attach(DEVICE, 2, asking)) {
            assertThat(noted).containsExactly("on 32", "off", "on 32");
            leaving.close();
            assertThat(noted).hasSize(3);
            assertThat(contextEntry() & SERVED).isEqualTo(SERVED);
        }
        assertThat(noted).endsWith("off");
    }

    @Test
    void L2_noDeviceTlbIsAllowedWhereTheServiceCouldNotBeTurnedOn() {
        try (Attachment _ = iommu.attach(DEVICE, plain)) {
            unit.refuse(Descriptor.contextOf(0, REQUESTER));
            assertThatThrownBy(() -> iommu.attach(DEVICE, 1, asking))
                    .isInstanceOf(IommuException.class);
            assertThat(noted).doesNotContain("on 32");
            assertThat(contextEntry() & (SERVED | 1)).isEqualTo(1);
        }
    }

    /** The unit fails between the end of the service and the answers. */
    @Test
    void F2_whatADeviceAskedBeforeIsAnsweredBeforeItBeginsAnew() throws Exception {
        Attachment leaving = iommu.attach(DEVICE, 1, asking);
        CountDownLatch inHands = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
                AutoCloseable _ =
                        iommu.onPageRequest(
                                executor,
                                _ -> {
                                    inHands.countDown();
                                    hold(goOn);
                                    return Response.SUCCESS;
                                })) {
            requests.ask(1, 7, 0x1000, ScriptedRequests.READ | ScriptedRequests.LAST);
            inHands.await();
            unit.watch(next -> {
                if (next.isPageResponse()) {
                    noted.add("answer");
                }
            });
            unit.refuse(Descriptor.drainPageRequests());
            assertThatThrownBy(leaving::close).isInstanceOf(IommuException.class);
            try (Attachment _ = iommu.attach(DEVICE, 2, asking)) {
                assertThat(noted).containsExactly("on 32", "off", "answer", "on 32");
            } finally {
                goOn.countDown();
            }
            leaving.close();
        }
        assertThat(requests.answers()).containsExactly(requests.answer(1, 7, INVALID));
    }

    /** Tracking begins or ends while an id goes from one domain to another, or for good. */
    @Test
    void D1_dirtyBitsAreKeptAsTheDomainOfTheIdHasIt() {
        Unit driven = iommu.units().of(DEVICE);
        Route route = driven.route(DEVICE, 1);
        DomainId left = ((VtdDomain) asking).id();
        iommu.attach(DEVICE, 1, asking).close();
        driven.keepDirtyBits(route, left, true);
        try (Attachment _ = iommu.attach(DEVICE, 1, plain)) {
            long before = pasidEntry(1);
            driven.keepDirtyBits(route, left, true);
            assertThat(pasidEntry(1)).isEqualTo(before);
            driven.keepDirtyBits(route, ((VtdDomain) plain).id(), true);
            assertThat(pasidEntry(1)).isEqualTo(before | 1 << 9);
            driven.keepDirtyBits(route, left, false);
            assertThat(pasidEntry(1)).isEqualTo(before | 1 << 9);
        }
    }

    @Test
    void L1_aRingThatWasTakenBackIsNotRead() {
        UnitRegisters registers = new UnitRegisters(unit, Patience.USUAL);
        PageRequestRing ring = new PageRequestRing(registers, memory, 0x80_0000);
        ring.start();
        requests.ask(1, 0x1000, ScriptedRequests.READ | ScriptedRequests.LAST);
        List<PageRequestRecord> taken = new ArrayList<>();
        assertThat(ring.take(taken::add, Assertions::fail)).isFalse();
        assertThat(taken).hasSize(1);
        ring.stop();
        assertThat(ring.take(taken::add, Assertions::fail)).isFalse();
        assertThat(taken).hasSize(1);
    }

    /** Whoever forgets what is not whole then forgets nothing of what comes afterwards. */
    @Test
    void F2_thatRequestsWereDroppedIsToldBeforeTheNextCanCome() {
        PageRequestRing ring =
                new PageRequestRing(new UnitRegisters(unit, Patience.USUAL), memory, 0x80_0000);
        ring.start();
        requests.ask(1, 0x1000, ScriptedRequests.READ);
        unit.put(UnitRegisters.PRS, UnitRegisters.PRS_PRO);
        List<Boolean> came = new ArrayList<>();
        List<PageRequestRecord> taken = new ArrayList<>();
        Runnable dropped =
                () -> {
                    assertThat(taken).hasSize(1);
                    came.add(requests.ask(2, 0x1000, ScriptedRequests.READ));
                };
        assertThat(ring.take(taken::add, dropped)).isTrue();
        assertThat(came).containsExactly(false);
        assertThat(requests.ask(2, 0x1000, ScriptedRequests.READ)).isTrue();
        assertThat(ring.take(taken::add, Assertions::fail)).isFalse();
        assertThat(taken).hasSize(2);
    }
}
