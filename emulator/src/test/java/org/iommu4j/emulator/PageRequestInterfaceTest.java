package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.emulator.PageRequestInterface.Answer;
import org.iommu4j.emulator.PageRequestQueue.Receipt;
import org.iommu4j.machine.SourceId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a device asks for pages and waits. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PageRequestInterfaceTest {

    private static final int REQUESTER = 0x18;
    private static final int READ = Translation.READ;

    private final BlockingQueue<PageRequest> sent = new LinkedBlockingQueue<>();
    private final ExecutorService devices = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void end() {
        devices.shutdownNow();
    }

    private PageRequestInterface all(boolean reusesAtOnce, long seed) {
        PageRequestInterface.Unit unit =
                request -> {
                    sent.add(request);
                    return Receipt.QUEUED;
                };
        return new PageRequestInterface(REQUESTER, unit, reusesAtOnce, new Dice(seed));
    }

    private CompletableFuture<Answer> ask(PageRequestInterface pages, int pasid, long iova) {
        return CompletableFuture.supplyAsync(() -> pages.ask(pasid, iova, READ, 3), devices);
    }

    /** The next whole group. */
    private List<PageRequest> group() throws InterruptedException {
        List<PageRequest> group = new ArrayList<>();
        do {
            PageRequest next = sent.poll(30, TimeUnit.SECONDS);
            assertThat(next).isNotNull();
            group.add(next);
        } while (!group.getLast().last());
        return group;
    }

    @Test
    void thereIsNobodyToAskWhileItIsOff() {
        PageRequestInterface pages = all(false, 1);
        assertThat(pages.isOn()).isFalse();
        assertThat(pages.ask(1, 0x1000, READ, 0)).isEqualTo(Answer.OFF);
        assertThat(sent).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15})
    void aDeviceWaitsForTheAnswer(int code) throws Exception {
        PageRequestInterface pages = all(false, 1);
        pages.enable(64);
        CompletableFuture<Answer> asks = ask(pages, 4, 0x7123);
        int index = group().getLast().group();
        pages.answered(5, index, code);
        pages.answered(SourceId.NO_PASID, index, code);
        pages.answered(4, index ^ 1, code);
        assertThat(asks).as("an answer of another").isNotDone();
        pages.answered(4, index, code);
        assertThat(asks.get(30, TimeUnit.SECONDS))
                .isEqualTo(code == 0 ? Answer.SUCCESS : Answer.REFUSED);
        pages.answered(4, index, code);
    }

    @Test
    void theRequestsOfAGroupAreOfOneKindAndTheLastIsLast() throws Exception {
        PageRequestInterface pages = all(true, 7);
        pages.enable(64);
        Set<Integer> sizes = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            CompletableFuture<Answer> asks = ask(pages, 4, 0x7000);
            List<PageRequest> group = group();
            sizes.add(group.size());
            for (int j = 0; j < group.size(); j++) {
                PageRequest request = group.get(j);
                long page = 0x7000 + j % 4 * 0x1000L;
                boolean last = j == group.size() - 1;
                int index = group.getFirst().group();
                assertThat(request)
                        .isEqualTo(new PageRequest(REQUESTER, 4, page, READ, last, index));
            }
            pages.answered(4, group.getFirst().group(), 0);
            asks.get(30, TimeUnit.SECONDS);
        }
        assertThat(sizes).as("sizes of groups, seed 7").hasSizeGreaterThan(5).contains(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anIndexIsUsedAgainAtOnceOrAsLateAsCanBe(boolean atOnce) throws Exception {
        PageRequestInterface pages = all(atOnce, 1);
        pages.enable(64);
        Set<Integer> indices = new HashSet<>();
        for (int i = 0; i < 512; i++) {
            CompletableFuture<Answer> asks = ask(pages, 4, 0x7000);
            int index = group().getFirst().group();
            indices.add(index);
            pages.answered(4, index, 0);
            asks.get(30, TimeUnit.SECONDS);
        }
        assertThat(indices).hasSize(atOnce ? 1 : 512);
    }

    @Test
    void noMoreThanTheLimitIsWithoutAnAnswer() throws Exception {
        PageRequestInterface pages = all(false, 3);
        pages.enable(5);
        List<CompletableFuture<Answer>> all = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            all.add(ask(pages, 4, 0x1000L * i));
        }
        List<PageRequest> outstanding = new ArrayList<>();
        for (int answered = 0; answered < all.size(); ) {
            PageRequest request = sent.poll(50, TimeUnit.MILLISECONDS);
            if (request != null) {
                outstanding.add(request);
                assertThat(outstanding).hasSizeLessThanOrEqualTo(5);
            } else if (outstanding.stream().anyMatch(PageRequest::last)) {
                int index = wholeGroup(outstanding);
                outstanding.removeIf(r -> r.group() == index);
                pages.answered(4, index, 0);
                answered++;
            }
        }
        for (CompletableFuture<Answer> asks : all) {
            assertThat(asks.get(30, TimeUnit.SECONDS)).isEqualTo(Answer.SUCCESS);
        }
    }

    private static int wholeGroup(List<PageRequest> requests) {
        return requests.stream().filter(PageRequest::last).findFirst().orElseThrow().group();
    }

    @Test
    void aGroupThatWasDroppedIsSentAgainWhole() throws Exception {
        AtomicInteger room = new AtomicInteger();
        PageRequestInterface.Unit unit =
                request -> {
                    if (room.getAndDecrement() <= 0) {
                        return Receipt.DROPPED;
                    }
                    sent.add(request);
                    return Receipt.QUEUED;
                };
        PageRequestInterface pages = new PageRequestInterface(REQUESTER, unit, false, new Dice(2));
        pages.enable(64);
        for (int i = 0; i < 20; i++) {
            CompletableFuture<Answer> asks = ask(pages, 4, 0x7000);
            while (room.get() == 0) {
                Thread.onSpinWait(); // until one was dropped
            }
            room.set(100);
            List<PageRequest> group = group();
            room.set(0);
            pages.answered(4, group.getFirst().group(), 0);
            assertThat(asks.get(30, TimeUnit.SECONDS)).isEqualTo(Answer.SUCCESS);
            sent.clear();
        }
    }

    @Test
    void whatIsRefusedIsNotAskedAgain() {
        PageRequestInterface pages =
                new PageRequestInterface(REQUESTER, _ -> Receipt.REFUSED, false, new Dice(2));
        pages.enable(1);
        assertThat(pages.ask(4, 0x7000, READ, 0)).isEqualTo(Answer.REFUSED);
        assertThat(pages.ask(4, 0x7000, READ, 0)).isEqualTo(Answer.REFUSED);
    }

    @Test
    void offEndsEveryWaitAndMarksItsEnd() throws Exception {
        PageRequestInterface pages = all(false, 1);
        pages.enable(20);
        List<CompletableFuture<Answer>> all = new ArrayList<>();
        all.add(ask(pages, 4, 0));
        group();
        for (int i = 1; i < 40; i++) {
            all.add(ask(pages, i % 2 == 0 ? 4 : SourceId.NO_PASID, 0x1000L * i));
        }
        group();
        pages.disable(true);
        for (CompletableFuture<Answer> asks : all) {
            assertThat(asks.get(30, TimeUnit.SECONDS)).isEqualTo(Answer.OFF);
        }
        List<PageRequest> rest = new ArrayList<>(sent);
        assertThat(rest.getLast()).isEqualTo(PageRequest.stopMarker(REQUESTER, 4));
        assertThat(rest.stream().filter(PageRequest::isStopMarker)).hasSize(1);
        sent.clear();
        pages.disable(true);
        assertThat(sent).as("nothing was asked since").isEmpty();
    }

    @Test
    void anInterruptDoesNotEndAWait() throws Exception {
        PageRequestInterface pages = all(false, 1);
        pages.enable(20);
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread device =
                Thread.ofPlatform()
                        .start(() -> {
                            Answer answer = pages.ask(4, 0x7000, READ, 0);
                            boolean is = Thread.currentThread().isInterrupted();
                            interrupted.complete(is && answer == Answer.SUCCESS);
                        });
        int index = group().getFirst().group();
        device.interrupt();
        Thread.sleep(10);
        assertThat(interrupted).isNotDone();
        pages.answered(4, index, 0);
        assertThat(interrupted.get(30, TimeUnit.SECONDS)).isTrue();
    }
}
