package org.iommu4j.flush.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.policy.RecordingUnit.Request;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeferredPolicyTest {

    private static final int ID = 7;
    private static final Request DOMAIN = new Request(ID, 0, RecordingUnit.DOMAIN, false);

    private final RecordingUnit unit = new RecordingUnit();
    private final RecordingOwner owner = new RecordingOwner();
    private final IotlbGather gather = new IotlbGather(owner);
    private final ScheduledThreadPoolExecutor scheduler = new ScheduledThreadPoolExecutor(1);

    @AfterEach
    void stop() {
        scheduler.shutdownNow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "deferred:count=0",
                "deferred:bytes=1",
                "deferred:bytes=2t",
                "deferred:age=10",
                "deferred:age=1ns",
                "deferred:ages=1s"
            })
    void whatIsNotLegalIsRefusedWithWhatIs(String choice) {
        assertThatThrownBy(() -> policy(choice))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("count=N")
                .hasMessageContaining("bytes=SIZE")
                .hasMessageContaining("age=TIME");
    }

    @Test
    void G1_nothingHappensBeforeTheBatchIsFull() {
        FlushPolicy deferred = policy("deferred:count=3,age=10s");
        List<FlushCompletion> completions = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            completions.add(deferred.sync(ID, filled(i)));
            assertThat(gather.isEmpty()).isTrue();
        }
        assertThat(unit.requests).isEmpty();
        assertThat(owner.released).isEmpty();
        assertThat(completions.getFirst()).isSameAs(completions.get(1));
        assertThat(completions.getFirst().isDone()).isFalse();
        unit.beforeWait = () -> assertThat(owner.released).isEmpty();
        completions.add(deferred.sync(ID, filled(2)));
        assertThat(unit.requests).containsExactly(DOMAIN);
        assertThat(owner.released).containsExactlyInAnyOrder(0x1000L, 0x2000L, 0x3000L);
        assertThat(completions).allMatch(FlushCompletion::isDone);
        assertThat(owner.completions).isEqualTo(1);
    }

    @Test
    void G1_whoWaitsFlushesAtOnce() {
        FlushPolicy deferred = policy("deferred:age=10s");
        FlushCompletion first = deferred.sync(ID, filled(0));
        List<String> heard = new ArrayList<>();
        first.whenDone(() -> heard.add("first"));
        FlushCompletion second = deferred.sync(ID, filled(1));
        second.await();
        assertThat(first.isDone()).isTrue();
        assertThat(heard).containsExactly("first");
        first.whenDone(() -> heard.add("later"));
        assertThat(heard).containsExactly("first", "later");
        second.await();
        assertThat(unit.requests).containsExactly(DOMAIN);
    }

    @Test
    void G1_bytesOfTablePagesEndTheBatchesOfAllDomains() {
        FlushPolicy deferred = policy("deferred:bytes=8k,age=10s");
        RecordingOwner other = new RecordingOwner();
        IotlbGather others = new IotlbGather(other);
        others.addTable(0x9000);
        deferred.sync(ID + 1, others);
        assertThat(unit.requests).isEmpty();
        deferred.sync(ID, filled(0));
        assertThat(unit.requests).extracting(Request::domainId).containsExactlyInAnyOrder(7, 8);
        assertThat(owner.released).containsExactly(0x1000L);
        assertThat(other.released).containsExactly(0x9000L);
    }

    @Test
    void manyDomainsAreOneGlobalRequest() {
        FlushPolicy deferred = policy("deferred:age=10s");
        List<RecordingOwner> owners = new ArrayList<>();
        for (int id = 1; id <= 9; id++) {
            owners.add(new RecordingOwner());
            IotlbGather one = new IotlbGather(owners.getLast());
            one.addTable(id * 0x1000L);
            deferred.sync(id, one);
        }
        deferred.drain();
        assertThat(unit.requests).containsExactly(new Request(0, 0, RecordingUnit.GLOBAL, false));
        assertThat(owners).allMatch(each -> each.released.size() == 1 && each.completions == 1);
    }

    @Test
    void G1_ageEndsABatchThatNobodyWaitsFor() throws InterruptedException {
        FlushPolicy deferred = policy("deferred:age=1ms");
        CountDownLatch done = new CountDownLatch(1);
        FlushCompletion completion = deferred.sync(ID, filled(0));
        completion.whenDone(done::countDown);
        assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(completion.isDone()).isTrue();
        waitUntilTimerStops();
        CountDownLatch again = new CountDownLatch(1);
        deferred.sync(ID, filled(1)).whenDone(again::countDown);
        assertThat(again.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(unit.requests).containsExactly(DOMAIN, DOMAIN);
    }

    @Test
    void G1_aFailedWaitCompletesNothingAndLosesNothing() {
        FlushPolicy deferred = policy("deferred:age=10s");
        FlushCompletion completion = deferred.sync(ID, filled(0));
        unit.failingWaits = 2;
        assertThatThrownBy(completion::await).isInstanceOf(IommuException.class);
        assertThatThrownBy(deferred::drain).isInstanceOf(IommuException.class);
        assertThat(completion.isDone()).isFalse();
        assertThat(owner.released).isEmpty();
        assertThat(owner.completions).isZero();
        deferred.sync(ID, filled(1)).await();
        assertThat(completion.isDone()).isTrue();
        assertThat(owner.released).containsExactlyInAnyOrder(0x1000L, 0x2000L);
        assertThat(owner.completions).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"deferred:count=1,age=10s", "deferred:bytes=4k,age=10s"})
    void G1_whoTriesAgainWithTheEmptyGatherHearsOfTheFailureAgain(String choice) {
        FlushPolicy deferred = policy(choice);
        unit.failingWaits = 2;
        assertThatThrownBy(() -> deferred.sync(ID, filled(0))).isInstanceOf(IommuException.class);
        assertThat(gather.isEmpty()).isTrue();
        assertThatThrownBy(() -> deferred.sync(ID, gather)).isInstanceOf(IommuException.class);
        assertThat(owner.released).isEmpty();
        assertThat(deferred.sync(ID, gather).isDone()).isTrue();
        assertThat(owner.released).containsExactly(0x1000L);
        int asked = unit.requests.size();
        deferred.sync(ID, gather);
        assertThat(unit.requests).hasSize(asked);
    }

    @Test
    void G1_aFailureOfOneDomainDoesNotKeepAnother() {
        FlushPolicy deferred = policy("deferred:age=10s");
        RecordingOwner other = new RecordingOwner();
        IotlbGather others = new IotlbGather(other);
        others.addTable(0x9000);
        FlushCompletion mine = deferred.sync(ID, filled(0));
        FlushCompletion its = deferred.sync(ID + 1, others);
        unit.failingWaits = 1;
        assertThatThrownBy(deferred::drain).isInstanceOf(IommuException.class);
        assertThat(mine.isDone()).isNotEqualTo(its.isDone());
        assertThat(owner.released.size() + other.released.size()).isEqualTo(1);
        deferred.drain();
        assertThat(owner.released).hasSize(1);
        assertThat(other.released).hasSize(1);
        assertThat(mine.isDone() && its.isDone()).isTrue();
    }

    @Test
    void G6_closeDrainsAndWhatComesLaterIsFlushedAtOnce() {
        FlushPolicy deferred = policy("deferred:age=10s");
        assertThat(deferred.sync(ID, gather)).isSameAs(FlushCompletion.DONE);
        deferred.sync(ID, filled(0));
        deferred.close();
        assertThat(owner.released).containsExactly(0x1000L);
        assertThat(deferred.sync(ID, filled(1)).isDone()).isTrue();
        assertThat(owner.released).containsExactlyInAnyOrder(0x1000L, 0x2000L);
        deferred.close();
        assertThat(unit.requests).containsExactly(DOMAIN, DOMAIN);
    }

    @Test
    void G6_anActionThatThrowsOrSyncsStopsNothing() {
        FlushPolicy deferred = policy("deferred:count=1,age=10s");
        FlushPolicy waiting = policy("deferred:age=10s");
        List<Long> heard = new ArrayList<>();
        FlushCompletion completion = waiting.sync(ID, filled(0));
        completion.whenDone(() -> {
            throw new IllegalArgumentException("on purpose");
        });
        completion.whenDone(() -> {
            waiting.sync(ID, filled(1)).await();
            heard.addAll(owner.released);
        });
        completion.await();
        assertThat(heard).containsExactly(0x1000L, 0x2000L);
        deferred.close();
    }

    @Test
    void G6_theTimerGoesOnAfterAFailureAndAnErrorOfAnAction() throws InterruptedException {
        unit.failingWaits = 3;
        FlushPolicy deferred = policy("deferred:age=1ms");
        CountDownLatch done = new CountDownLatch(2);
        FlushCompletion completion = deferred.sync(ID, filled(0));
        completion.whenDone(() -> {
            done.countDown();
            throw new AssertionError("on purpose");
        });
        completion.whenDone(done::countDown);
        assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
        CountDownLatch again = new CountDownLatch(1);
        deferred.sync(ID, filled(1)).whenDone(again::countDown);
        assertThat(again.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(owner.released).containsExactlyInAnyOrder(0x1000L, 0x2000L);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void G6_pagesThatTheOwnerFailsToTakeBackAreKept(boolean alone) {
        FlushPolicy deferred = policy("deferred:age=10s");
        FlushCompletion completion = deferred.sync(ID, filled(0));
        List<String> heard = new ArrayList<>();
        completion.whenDone(() -> heard.add("done"));
        owner.failingReleases = 1;
        assertThatThrownBy(
                        () -> {
                            if (alone) {
                                completion.await();
                            } else {
                                deferred.drain();
                            }
                        })
                .hasMessage("no release, on purpose");
        assertThat(completion.isDone()).as("the hardware has forgotten").isTrue();
        assertThat(heard).containsExactly("done");
        assertThat(owner.released).isEmpty();
        deferred.drain();
        assertThat(owner.released).containsExactly(0x1000L);
    }

    @Test
    void aDomainIdMayServeAnotherDomainMeanwhile() {
        FlushPolicy deferred = policy("deferred:age=10s");
        RecordingOwner other = new RecordingOwner();
        IotlbGather others = new IotlbGather(other);
        others.addTable(0x9000);
        deferred.sync(ID, filled(0));
        deferred.sync(ID, others).await();
        assertThat(other.released).containsExactly(0x9000L);
        deferred.drain();
        assertThat(owner.released).containsExactly(0x1000L);
    }

    private IotlbGather filled(int number) {
        gather.addRange(number * 0x20_0000L, 0x1000, 0x1000);
        gather.addTable((number + 1) * 0x1000L);
        gather.markStructureChanged();
        return gather;
    }

    private void waitUntilTimerStops() throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!scheduler.getQueue().isEmpty() || scheduler.getActiveCount() > 0) {
            assertThat(System.nanoTime()).as("an idle timer goes on").isLessThan(deadline);
            Thread.sleep(1);
        }
    }

    private FlushPolicy policy(String choice) {
        return Providers.choose(
                        FlushPolicyProvider.class,
                        "flush policy",
                        FlushPolicyProvider.providers(),
                        choice)
                .create(new FlushContext(unit, InstantSource.system(), () -> scheduler));
    }
}
