package org.iommu4j.flush.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.policy.RecordingUnit.Request;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.Test;

class FlushPolicyTest {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final long G1 = 0x4000_0000;
    private static final int ID = 7;

    private final RecordingUnit unit = new RecordingUnit();
    private final RecordingOwner owner = new RecordingOwner();
    private final IotlbGather gather = new IotlbGather(owner);
    private final FlushPolicy strict = policy("strict");

    @Test
    void providersAreOrderedAndConfigured() {
        assertThat(FlushPolicyProvider.providers())
                .extracting(FlushPolicyProvider::name)
                .containsExactly("strict", "deferred", "domain");
        for (String wrong :
                List.of(
                        "strict:pages=0",
                        "strict:pages=1025",
                        "strict:pages=x",
                        "strict:count=1")) {
            assertThatThrownBy(() -> policy(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("pages=N with N from 1 to 1024");
        }
        assertThatThrownBy(() -> policy("domain:pages=1"))
                .hasMessageContaining("\"domain\" takes no parameters");
    }

    @Test
    void G1_noPageComesBackBeforeItsInvalidationIsDone() {
        for (FlushPolicy policy : List.of(strict, policy("domain"))) {
            owner.released.clear();
            gather.addRange(M2, M2, K4);
            gather.addTable(0x5000);
            gather.markStructureChanged();
            unit.beforeWait = () -> assertThat(owner.released).isEmpty();
            FlushCompletion completion = policy.sync(ID, gather);
            assertThat(completion.isDone()).isTrue();
            assertThat(owner.released).containsExactly(0x5000L);
            assertThat(gather.isEmpty()).isTrue();
            assertThat(unit.isDone(unit.requests.size() - 1L)).isTrue();
        }
    }

    @Test
    void G1_waitsForEveryTicket() {
        gather.addRange(0, K4, K4);
        gather.addRange(G1, 3 * K4, K4);
        strict.sync(ID, gather);
        assertThat(unit.requests).hasSizeGreaterThan(1);
        assertThat(unit.done).hasSameSizeAs(unit.requests);
    }

    @Test
    void G1_aFailedWaitCompletesNothingAndLosesNothing() {
        for (FlushPolicy policy : List.of(strict, policy("domain"))) {
            owner.released.clear();
            unit.failingWaits = 2;
            gather.addRange(M2, M2, K4);
            gather.addTable(0x5000);
            gather.markStructureChanged();
            assertThatThrownBy(() -> policy.sync(ID, gather)).isInstanceOf(IommuException.class);
            assertThat(gather.isEmpty()).isTrue();
            gather.addRange(5 * G1, K4, K4);
            gather.addTable(0x6000);
            assertThatThrownBy(() -> policy.sync(ID, gather)).isInstanceOf(IommuException.class);
            assertThat(owner.released).isEmpty();
            assertThat(owner.completions).isZero();

            RecordingOwner other = new RecordingOwner();
            IotlbGather others = new IotlbGather(other);
            others.addRange(0, K4, K4);
            others.addTable(0x7000);
            policy.sync(ID + 1, others);
            assertThat(other.released).containsExactly(0x7000L);
            assertThat(owner.released).isEmpty();

            unit.requests.clear();
            policy.sync(ID, gather);
            assertThat(owner.released).containsExactlyInAnyOrder(0x5000L, 0x6000L);
            assertThat(unit.requests)
                    .allMatch(request -> request.domainId() == ID && !request.leafOnly());
            assertCovered(M2, 2 * M2);
            assertCovered(5 * G1, 5 * G1 + K4);
            unit.requests.clear();
            policy.sync(ID, gather);
            policy.close();
            assertThat(unit.requests).isEmpty();
            assertThat(owner.completions).isEqualTo(1);
            owner.completions = 0;
        }
    }

    @Test
    void G1_drainRepeatsWhatFailed() {
        unit.failingWaits = 2;
        gather.addRange(M2, M2, K4);
        gather.addTable(0x5000);
        assertThatThrownBy(() -> strict.sync(ID, gather)).isInstanceOf(IommuException.class);
        assertThatThrownBy(strict::drain).isInstanceOf(IommuException.class);
        assertThat(owner.released).isEmpty();
        strict.drain();
        assertThat(owner.released).containsExactly(0x5000L);
        strict.close();
        assertThat(unit.requests).hasSize(3);
    }

    @Test
    void G6_anEmptyGatherAsksForNothing() {
        assertThat(strict.sync(ID, gather)).isSameAs(FlushCompletion.DONE);
        gather.addRange(0, K4, K4);
        strict.sync(ID, gather);
        strict.sync(ID, gather);
        assertThat(unit.requests).containsExactly(new Request(ID, 0, 0, true));
        assertThat(owner.completions).isEqualTo(1);
    }

    @Test
    void G2_theWholeOldLeafIsOneBlock() {
        gather.addRange(3 * M2, M2, K4);
        gather.markStructureChanged();
        strict.sync(ID, gather);
        gather.addRange(3 * G1, G1, K4);
        gather.markStructureChanged();
        strict.sync(ID, gather);
        assertThat(unit.requests)
                .containsExactly(
                        new Request(ID, 3 * M2, 9, false), new Request(ID, 3 * G1, 18, false));
    }

    @Test
    void G3_theLeafOnlyHintIsGivenOnlyWithoutStructuralChange() {
        gather.addRange(M2, K4, K4);
        strict.sync(ID, gather);
        gather.addRange(M2, K4, K4);
        gather.markStructureChanged();
        strict.sync(ID, gather);
        assertThat(unit.requests)
                .containsExactly(new Request(ID, M2, 0, true), new Request(ID, M2, 0, false));
    }

    @Test
    void G4_misalignedAndDisjointRanges() {
        gather.addRange(M2 - K4, 2 * K4, K4);
        strict.sync(ID, gather);
        assertThat(unit.requests)
                .containsExactly(new Request(ID, M2 - K4, 0, true), new Request(ID, M2, 0, true));
        unit.requests.clear();
        gather.addRange(0x5000, 0x3000, K4);
        strict.sync(ID, gather);
        assertThat(unit.requests).containsExactly(new Request(ID, 0x4000, 2, true));
        unit.requests.clear();
        gather.addRange(0, K4, K4);
        gather.addRange(7 * G1, M2, M2);
        strict.sync(ID, gather);
        assertThat(unit.requests)
                .containsExactlyInAnyOrder(
                        new Request(ID, 0, 0, true), new Request(ID, 7 * G1, 9, true));
    }

    @Test
    void G4_whatPassesTheMaskLimitIsTheWholeDomain() {
        Request domain = new Request(ID, 0, RecordingUnit.DOMAIN, false);
        unit.maxOrder = 9;
        gather.addRange(G1, G1, G1);
        strict.sync(ID, gather);
        assertThat(unit.requests).containsExactly(domain);
        unit.requests.clear();
        unit.maxOrder = -1;
        gather.addRange(0, K4, K4);
        strict.sync(ID, gather);
        assertThat(unit.requests).containsExactly(domain);
        unit.requests.clear();
        unit.maxOrder = 18;
        gather.addRange(0, 1L << 57, K4);
        gather.markStructureChanged();
        strict.sync(ID, gather);
        assertThat(unit.requests).containsExactly(domain);
    }

    @Test
    void G4_structureAndPagesWithoutARangeAreTheWholeDomain() {
        gather.markStructureChanged();
        strict.sync(ID, gather);
        gather.addTable(0x5000);
        strict.sync(ID, gather);
        assertThat(unit.requests)
                .hasSize(2)
                .allMatch(request -> request.order() == RecordingUnit.DOMAIN);
        assertThat(owner.released).containsExactly(0x5000L);
    }

    @Test
    void manyRequestsBecomeOneForTheDomain() {
        FlushPolicy few = policy("strict:pages=2");
        gather.addRange(0, K4, K4);
        gather.addRange(G1, K4, K4);
        few.sync(ID, gather);
        assertThat(unit.requests).hasSize(2).allMatch(request -> request.order() == 0);
        unit.requests.clear();
        gather.addRange(0, K4, K4);
        gather.addRange(G1, K4, K4);
        gather.addRange(2 * G1, K4, K4);
        few.sync(ID, gather);
        assertThat(unit.requests).containsExactly(new Request(ID, 0, RecordingUnit.DOMAIN, false));
    }

    @Test
    void theDomainPolicyAlwaysAsksForTheDomain() {
        gather.addRange(0, K4, K4);
        policy("domain").sync(ID, gather);
        assertThat(unit.requests).containsExactly(new Request(ID, 0, RecordingUnit.DOMAIN, false));
    }

    @Test
    void G2_G4_everyAlignedLeafInsideARangeIsCoveredByOneRequest() {
        long seed = 20261123;
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            unit.requests.clear();
            unit.maxOrder = random.nextInt(22) - 1;
            int pages = 1 + random.nextInt(20);
            long start = (random.nextLong() & (1L << 30 + random.nextInt(27)) - 1) & -K4;
            long size = K4 + ((random.nextLong() & (1L << 13 + random.nextInt(20)) - 1) & -K4);
            gather.addRange(start, size, K4);
            policy("strict:pages=" + pages).sync(ID, gather);
            String at = "seed " + seed + ", round " + round;
            assertThat(unit.requests).as(at).hasSizeLessThanOrEqualTo(pages);
            for (int level = 0; level < 3; level++) {
                long leaf = K4 << 9 * level;
                long from = start + leaf - 1 & -leaf;
                for (int i = 0; i < 3 && from + leaf <= start + size; i++, from += leaf) {
                    assertCovered(from, from + leaf);
                }
            }
            assertCovered(start + size - K4, start + size);
        }
    }

    private void assertCovered(long from, long to) {
        assertThat(unit.requests)
                .as("one request covers [0x%x, 0x%x)", from, to)
                .anyMatch(request -> request.covers(from, to));
    }

    private FlushPolicy policy(String choice) {
        return Providers.choose(
                        FlushPolicyProvider.class,
                        "flush policy",
                        FlushPolicyProvider.providers(),
                        choice)
                .create(
                        new FlushContext(
                                unit,
                                InstantSource.system(),
                                () -> {
                                    throw new AssertionError("nothing runs in the background");
                                }));
    }
}
