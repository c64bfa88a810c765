package org.iommu4j.vtd;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.iommu4j.vtd.ScriptedRequests.LAST;
import static org.iommu4j.vtd.ScriptedRequests.READ;
import static org.iommu4j.vtd.ScriptedRequests.WRITE;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequest;
import org.iommu4j.api.PageRequestHandler.Response;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of each page request, by a unit whose ring a test fills by hand. */
class PageRequestTest {

    private static final SourceId DEVICE = SourceId.parse("00:02.0");
    private static final SourceId OTHER = SourceId.parse("00:03.0");
    private static final int SUCCESS = 0;
    private static final int INVALID = 1;
    private static final int FAILURE = 15;
    private static final int MOST_IN_HANDS = 256;

    private final ScriptedMachine machine = new ScriptedMachine();
    private final ScriptedUnit unit =
            machine.with(ScriptedUnit.SCALABLE_CAP, ScriptedUnit.SCALABLE_ECAP);
    private final List<String> noted = new ArrayList<>();
    private final ScriptedRequests device = requests(DEVICE);
    private final ScriptedRequests other = requests(OTHER);
    private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
    private final List<PageRequest> heard = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch goOn = new CountDownLatch(1);
    private Iommu iommu;
    private IommuDomain domain;
    private Attachment attachment;

    private ScriptedRequests requests(SourceId source) {
        machine.add(new ScriptedDevice(source, true, noted));
        return new ScriptedRequests(unit, machine.memory(), source);
    }

    @BeforeEach
    void open() {
        iommu = Iommu.open("vtd", IommuOptions.on(machine));
        domain = iommu.createDomain(DomainOptions.defaults().withPageRequests(true));
        attachment = iommu.attach(DEVICE, domain);
    }

    @AfterEach
    void close() {
        goOn.countDown();
        iommu.close();
        executor.close();
    }

    private Response succeed(PageRequest request) {
        heard.add(request);
        return Response.SUCCESS;
    }

    private static void until(BooleanSupplier happened) {
        Patience.USUAL.until(happened, () -> "what the test expects");
    }

    private void hold() {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void awaitAnswers(Descriptor... expected) {
        until(() -> device.answers().size() >= expected.length);
        assertThat(device.answers()).containsExactlyInAnyOrder(expected);
    }

    @Test
    void F2_aGroupIsHandledInOrderAndAnsweredOnce() throws Exception {
        iommu.attach(DEVICE, 0x2345, domain);
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            device.ask(0x2345, 0x1ff, 0x1000, READ);
            device.ask(7, 0x9000, READ | LAST);
            device.ask(0x2345, 0x1ff, 0x2000, WRITE);
            device.ask(0x2345, 0x1ff, 0x5000, READ | WRITE | LAST);
            awaitAnswers(device.answer(7, SUCCESS), device.answer(0x2345, 0x1ff, SUCCESS));
        }
        assertThat(heard)
                .containsSubsequence(
                        new PageRequest(DEVICE, 0x2345, 0x1ff, 0x1000, true, false, false),
                        new PageRequest(DEVICE, 0x2345, 0x1ff, 0x2000, false, true, false),
                        new PageRequest(DEVICE, 0x2345, 0x1ff, 0x5000, true, true, true))
                .contains(new PageRequest(DEVICE, SourceId.NO_PASID, 7, 0x9000, true, false, true))
                .hasSize(4);
    }

    @Test
    void F2_theWorstOfAGroupIsItsAnswer() throws Exception {
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        executor,
                        request ->
                                switch ((int) (request.iova() >>> 12)) {
                                    case 1 -> Response.INVALID;
                                    case 2 -> Response.FAILURE;
                                    default -> Response.SUCCESS;
                                })) {
            device.ask(1, 0x1000, READ);
            device.ask(1, 0x3000, READ | LAST);
            device.ask(2, 0x2000, READ);
            device.ask(2, 0x1000, READ | LAST);
            awaitAnswers(device.answer(1, INVALID), device.answer(2, FAILURE));
        }
    }

    /** The plain domain takes no requests, but the device has one service for both. */
    @Test
    void F2_whatADeviceAskedElsewhereIsAnsweredBeforeItBeginsAnew() throws Exception {
        AtomicInteger inHands = new AtomicInteger();
        try (AutoCloseable _ =
                        iommu.onPageRequest(
                                executor,
                                _ -> {
                                    inHands.incrementAndGet();
                                    hold();
                                    return Response.SUCCESS;
                                });
                IommuDomain plain = iommu.createDomain(DomainOptions.defaults())) {
            iommu.attach(OTHER, domain);
            for (int group = 0; group < MOST_IN_HANDS; group++) {
                int next = group;
                until(() -> other.ask(next, 0x1000, READ | LAST));
            }
            until(() -> inHands.get() == MOST_IN_HANDS);
            try (Attachment _ = iommu.attach(DEVICE, 9, plain)) {
                device.ask(9, 0, 0x1000, READ | LAST);
                attachment.close();
                assertThat(noted).endsWith("off");
                assertThat(device.answers()).containsExactly(device.answer(9, 0, INVALID));
            }
            goOn.countDown();
        }
    }

    /** It was told how many it may send; what it sends beyond that takes no memory. */
    @Test
    void F2_ofADeviceThatNeverEndsAGroupLittleIsKept() throws Exception {
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            for (int i = 0; i < 500; i++) {
                int group = i % 3;
                until(() -> device.ask(group, 0x1000, READ));
            }
            device.ask(0, 0x2000, READ | LAST);
            awaitAnswers(device.answer(0, SUCCESS));
        }
        assertThat(heard).hasSizeBetween(2, 32);
    }

    @Test
    void F2_aStopMarkerIsNotAnswered() throws Exception {
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            device.ask(3, 0, LAST);
            device.ask(4, 0x4000, READ | LAST);
            awaitAnswers(device.answer(4, SUCCESS));
        }
        assertThat(heard).hasSize(1);
    }

    @Test
    void F2_whatARequestCarriesForItsDeviceIsHandedBack() throws Exception {
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            long name = 1 | 1 << 9 | (long) DEVICE.requester() << 16;
            device.put(name, 0x1000 | 5 << 3 | READ, 0xabcL, 0xdefL);
            awaitAnswers(
                    new Descriptor(
                            9 | 1 << 5 | (long) DEVICE.requester() << 16, 5 << 3, 0xabcL, 0xdefL));
        }
    }

    @Test
    void F2_whoIsNotServedIsTold() throws Exception {
        device.ask(1, 0x1000, READ | LAST);
        awaitAnswers(device.answer(1, FAILURE));
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            other.ask(2, 0x1000, READ | LAST);
            device.ask(9, 3, 0x1000, READ | LAST);
            awaitAnswers(
                    device.answer(1, FAILURE),
                    other.answer(2, INVALID),
                    device.answer(9, 3, INVALID));
            assertThatThrownBy(() -> iommu.onPageRequest(executor, this::succeed))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("have a handler already");
        }
        device.ask(4, 0x1000, READ | LAST);
        until(() -> device.answers().size() == 4);
        assertThat(device.answers()).endsWith(device.answer(4, FAILURE));
        assertThat(heard).isEmpty();
    }

    @Test
    void F3_aHandlerThatThrowsAnswersFailure() throws Exception {
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        executor,
                        request -> {
                            if (request.group() == 1) {
                                throw new IllegalStateException("on purpose");
                            }
                            if (request.group() == 2) {
                                throw new StackOverflowError();
                            }
                            return Response.SUCCESS;
                        })) {
            device.ask(1, 0x1000, READ | LAST);
            device.ask(2, 0x1000, READ | LAST);
            device.ask(3, 0x1000, READ | LAST);
            awaitAnswers(
                    device.answer(1, FAILURE),
                    device.answer(2, FAILURE),
                    device.answer(3, SUCCESS));
        }
    }

    @Test
    void F3_anExecutorThatRefusesAnswersFailure() throws Exception {
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        _ -> {
                            throw new RejectedExecutionException("on purpose");
                        },
                        this::succeed)) {
            device.ask(1, 0x1000, READ | LAST);
            awaitAnswers(device.answer(1, FAILURE));
        }
    }

    @Test
    void F3_aHandlerThatDoesNotReturnDelaysItsOwnGroup() throws Exception {
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        executor,
                        request -> {
                            if (request.group() == 1) {
                                hold();
                            }
                            return succeed(request);
                        })) {
            device.ask(1, 0x1000, READ | LAST);
            for (int group = 2; group < 102; group++) {
                device.ask(group, 0x1000, READ | LAST);
            }
            until(() -> device.answers().size() == 100);
            assertThat(device.answers()).doesNotContain(device.answer(1, SUCCESS));
            goOn.countDown();
            until(() -> device.answers().contains(device.answer(1, SUCCESS)));
        }
    }

    /** What nobody has a hand for stays in the ring, and comes when the ring is empty again. */
    @Test
    void F2_noRequestIsLostWhenHandsAndRingAreFull() throws Exception {
        int groups = 500;
        Set<Integer> left = ConcurrentHashMap.newKeySet();
        for (int group = 0; group < groups; group++) {
            left.add(group);
        }
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        executor,
                        request -> {
                            hold();
                            return succeed(request);
                        })) {
            until(() -> {
                left.removeIf(group -> device.ask(group, 0x1000, READ | LAST));
                return (unit.get(UnitRegisters.PRS) & UnitRegisters.PRS_PRO) != 0;
            });
            Thread.sleep(100);
            assertThat(device.answers()).isEmpty();
            assertThat(left).hasSizeGreaterThan(50);
            goOn.countDown();
            until(() -> {
                left.removeIf(group -> device.ask(group, 0x1000, READ | LAST));
                return device.answers().size() == groups;
            });
        }
        assertThat(device.answers()).hasSize(groups).doesNotHaveDuplicates();
        assertThat(heard).hasSize(groups);
    }

    /** After it, the last of a group that was not whole is asked for again, and the rest too. */
    @Test
    void F2_aGroupThatWasNotWholeIsForgottenWhenRequestsWereDropped() throws Exception {
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            device.ask(1, 0x1000, READ);
            until(() -> unit.get64(UnitRegisters.PQH) == unit.get64(UnitRegisters.PQT));
            synchronized (unit) {
                unit.put(UnitRegisters.PRS, UnitRegisters.PRS_PRO);
            }
            until(() -> (unit.get(UnitRegisters.PRS) & UnitRegisters.PRS_PRO) == 0);
            device.ask(1, 0x1000, READ);
            device.ask(1, 0x2000, READ | LAST);
            awaitAnswers(device.answer(1, SUCCESS));
        }
        assertThat(heard).hasSize(2);
    }

    @Test
    void L2_detachAnswersWhatIsUnderWay() throws Exception {
        try (AutoCloseable _ =
                iommu.onPageRequest(
                        executor,
                        request -> {
                            heard.add(request);
                            hold();
                            return Response.SUCCESS;
                        })) {
            device.ask(1, 0x1000, READ | LAST);
            device.ask(2, 0x1000, READ);
            until(() -> !heard.isEmpty());
            unit.watch(next -> {
                boolean drains = next.equals(Descriptor.drainPageRequests());
                if (drains && noted.contains("off")) {
                    device.ask(3, 0x3000, READ | LAST);
                }
            });
            attachment.close();
            assertThat(device.answers())
                    .containsExactlyInAnyOrder(
                            device.answer(1, INVALID), device.answer(3, INVALID));
            goOn.countDown();
            executor.shutdown();
            assertThat(executor.awaitTermination(10, SECONDS)).isTrue();
            assertThat(device.answers()).hasSize(2);
        }
    }

    /** The unit gives up waits; what it was told before them it has done. */
    @Test
    void F2_anAnswerIsNotGivenAgainWhenAWaitIsAborted() throws Exception {
        try (AutoCloseable _ = iommu.onPageRequest(executor, this::succeed)) {
            unit.abortWaits();
            device.ask(1, 0x1000, READ | LAST);
            awaitAnswers(device.answer(1, SUCCESS));
            device.ask(2, 0x1000, READ | LAST);
            domain.map(0, 0, 0x1000, Access.READ);
            domain.unmap(0, 0x1000);
            awaitAnswers(device.answer(1, SUCCESS), device.answer(2, SUCCESS));
        }
    }

    @Test
    void whereNoUnitTakesRequestsNobodyCanAnswerThem() {
        ScriptedMachine plain = new ScriptedMachine();
        plain.with(ScriptedUnit.CAP, ScriptedUnit.ECAP);
        for (IommuOptions options :
                List.of(IommuOptions.on(plain), IommuOptions.memoryOnly(1 << 20))) {
            try (Iommu without = Iommu.open("vtd", options)) {
                assertThatThrownBy(() -> without.onPageRequest(executor, this::succeed))
                        .isInstanceOfSatisfying(
                                UnsupportedFeatureException.class,
                                e -> assertThat(e.feature()).isEqualTo(Feature.PAGE_REQUESTS));
            }
        }
    }
}
