package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.UnitTimeoutException;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The queue alone, on a unit that stands, refuses and aborts as it is told. */
@Timeout(60)
@ParameterizedClass(name = "256 bits a descriptor: {0}")
@ValueSource(booleans = {false, true})
class InvalidationQueueTest {

    private final boolean large;
    private final int places;
    private final PhysicalMemory memory = PhysicalMemory.allocate(4 * 4096);
    private final ScriptedUnit unit = new ScriptedUnit(memory);
    private final UnitCapabilities capabilities =
            new UnitCapabilities(ScriptedUnit.CAP, ScriptedUnit.ECAP);
    private final InvalidationQueue queue;

    InvalidationQueueTest(boolean large) {
        this.large = large;
        this.places = large ? 63 : 127;
        this.queue = queue(Patience.USUAL);
    }

    @BeforeEach
    void start() {
        queue.start();
    }

    @Test
    void theRingIsUsedAgainAndAgain() {
        for (int i = 1; i <= 1000; i++) {
            long request = queue.submit(request(i));
            assertThat(request).isEqualTo(i);
            queue.await(request);
            assertThat(queue.isDone(request)).isTrue();
        }
        assertThat(unit.carriedOut).hasSize(1000).startsWith(request(1)).endsWith(request(1000));
        assertThat(queue.isDone(1)).isTrue();
        queue.await(1);
    }

    @Test
    void requestsOverlap() {
        unit.stand();
        long first = queue.submit(request(1));
        long second = queue.submit(request(2));
        assertThat(queue.isDone(first)).isFalse();
        assertThat(queue.isDone(second)).isFalse();
        unit.go();
        assertThat(queue.isDone(first)).isTrue();
        assertThat(queue.isDone(second)).isTrue();
    }

    @Test
    void T3_aFullQueueIsWaitedForWithoutTheLock() throws Exception {
        unit.stand();
        for (int i = 1; i <= places; i++) {
            queue.submit(request(i));
        }
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            Future<Long> more = executor.submit(() -> queue.submit(request(places + 1)));
            Thread.sleep(20);
            assertThat(more.isDone()).isFalse();
            assertThat(queue.isDone(1)).isFalse();
            unit.go();
            assertThat(more.get(10, TimeUnit.SECONDS)).isEqualTo(places + 1);
        }
        queue.await(places + 1);
        assertThat(unit.carriedOut).hasSize(places + 1);
    }

    @Test
    void T3_aUnitThatStandsIsATimeOut() {
        InvalidationQueue hasty = queue(new Patience(Duration.ofMillis(30)));
        unit.stand();
        long request = hasty.submit(request(1));
        assertThatThrownBy(() -> hasty.await(request))
                .isInstanceOf(UnitTimeoutException.class)
                .hasMessageContaining("waited 30 ms for the unit at 0xfed90000")
                .hasMessageContaining(large ? "IQT 0x40" : "IQT 0x20");
        assertThat(hasty.isDone(request)).isFalse();
        for (int i = 2; i <= places; i++) {
            hasty.submit(request(i));
        }
        assertThatThrownBy(() -> hasty.submit(request(0))).isInstanceOf(UnitTimeoutException.class);
        unit.go();
        hasty.await(request);
    }

    @Test
    void G1_aRefusedDescriptorFailsItsRequestAndNoOther() {
        unit.stand();
        unit.refuse(request(2));
        List<Long> all = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            all.add(queue.submit(request(i)));
        }
        unit.go();
        assertThatThrownBy(() -> queue.await(all.get(1)))
                .isInstanceOf(IommuException.class)
                .hasMessageContaining("refused the invalidation descriptor " + request(2))
                .hasMessageContaining("IQE");
        assertThat(queue.isDone(all.get(1))).isFalse();
        queue.await(all.get(0));
        queue.await(all.get(2));
        assertThat(unit.carriedOut).containsExactly(request(1), request(3));
        for (int i = 0; i < 300; i++) {
            queue.complete(request(9));
        }
        assertThat(queue.isDone(all.get(1))).isFalse();
        assertThatThrownBy(() -> queue.await(all.get(1))).isInstanceOf(IommuException.class);
    }

    @Test
    void G1_aRefusedWaitFailsItsRequestAndNoOther() {
        unit.stand();
        unit.refuse(new Descriptor(Descriptor.store(2), 0x2000 + 8));
        long first = queue.submit(request(1));
        long second = queue.submit(request(2));
        long third = queue.submit(request(3));
        unit.go();
        queue.await(third);
        queue.await(first);
        assertThatThrownBy(() -> queue.await(second)).hasMessageContaining("refused");
    }

    @Test
    void G1_abortedWaitsCompleteNothingAndAreAskedAgain() {
        for (int i = 0; i < 200; i++) {
            queue.complete(request(0));
        }
        unit.carriedOut.clear();
        unit.stand();
        List<Long> all = new ArrayList<>();
        for (int i = 1; i <= places; i++) {
            all.add(queue.submit(request(i)));
        }
        unit.abortWaits();
        unit.go();
        assertThat(unit.carriedOut).hasSize(places);
        unit.stand();
        assertThat(all).noneMatch(queue::isDone);
        assertThat(unit.get(UnitRegisters.FSTS)).isZero();
        unit.go();
        assertThat(all).allMatch(queue::isDone);
        all.forEach(queue::await);
        assertThat(unit.carriedOut).hasSize(2 * places);
        assertThat(unit.carriedOut.subList(places, 2 * places))
                .isEqualTo(unit.carriedOut.subList(0, places));
        queue.stop();
    }

    @Test
    void anUnexpectedCompletionIsClearedAndTheQueueGoesOn() {
        unit.put(UnitRegisters.FSTS, UnitRegisters.FSTS_ICE);
        queue.complete(request(1));
        assertThat(unit.get(UnitRegisters.FSTS)).isZero();
    }

    @Test
    void anErrorDoesNotKeepTheQueueFromItsEnd() throws Exception {
        unit.stand();
        unit.refuse(request(1));
        long refused = queue.submit(request(1));
        long next = queue.submit(request(2));
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            Future<?> end = executor.submit(queue::stop);
            Thread.sleep(20);
            assertThat(end.isDone()).isFalse();
            unit.go();
            end.get(5, TimeUnit.SECONDS);
        }
        assertThat(unit.get(UnitRegisters.GSTS) & ScriptedUnit.QIE).isZero();
        assertThat(queue.isDone(refused)).isFalse();
        assertThat(queue.isDone(next)).isTrue();
    }

    @Test
    void eightThreadsSubmitAndEachIsServed() throws Exception {
        int threads = 8;
        int each = 500;
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int thread = t;
                running.add(
                        executor.submit(() -> {
                            for (int i = 0; i < each; i++) {
                                queue.complete(request(thread * each + i));
                            }
                        }));
            }
            for (Future<?> one : running) {
                one.get(30, TimeUnit.SECONDS);
            }
        }
        assertThat(unit.carriedOut).hasSize(threads * each).doesNotHaveDuplicates();
    }

    private Descriptor request(int number) {
        return new Descriptor(
                Descriptor.pages(capabilities, 1), Descriptor.range((long) number << 12, 0, true));
    }

    private InvalidationQueue queue(Patience patience) {
        return new InvalidationQueue(
                new UnitRegisters(unit, patience), memory, 0x1000, 0x2000, patience, large);
    }
}
