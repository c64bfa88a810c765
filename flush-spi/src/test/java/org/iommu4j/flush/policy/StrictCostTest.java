package org.iommu4j.flush.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.InstantSource;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.flush.policy.RecordingUnit.Request;
import org.iommu4j.machine.Providers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How {@code strict} decides between several page-selective requests and one for the domain. */
class StrictCostTest {

    private static final int ID = 7;
    private static final long G1 = 0x4000_0000;

    private final RecordingUnit unit = new RecordingUnit();
    private final IotlbGather gather = new IotlbGather(new RecordingOwner());

    @Test
    void asManyPagesAsCostWhatTheDomainCosts() {
        FlushPolicy strict = policy("strict:page=500ns,domain=1500ns");
        sync(strict, 3);
        assertThat(unit.requests).hasSize(3).allMatch(request -> request.order() == 0);
        unit.requests.clear();
        sync(strict, 4);
        assertThat(unit.requests).containsExactly(new Request(ID, 0, RecordingUnit.DOMAIN, false));
    }

    @Test
    void aDomainThatIsCheaperThanAPageIsStillNotPreferredToOnePage() {
        FlushPolicy strict = policy("strict:page=5us,domain=1us");
        sync(strict, 1);
        assertThat(unit.requests).containsExactly(new Request(ID, 0, 0, true));
    }

    @Test
    void costsAreMeasuredOnceOnTheDomainOfTheFirstSync() {
        FlushPolicy strict = policy("strict:cost=measured,refill=1s");
        sync(strict, 4);
        assertThat(unit.requests).hasSizeGreaterThan(100).allMatch(r -> r.domainId() == ID);
        unit.requests.clear();
        sync(strict, 4);
        assertThat(unit.requests).hasSize(4);
    }

    @Test
    void aUnitWithoutPageSelectiveRequestsIsNotAskedForAny() {
        unit.maxOrder = -1;
        sync(policy("strict:cost=measured"), 2);
        assertThat(unit.requests).allMatch(request -> request.order() == RecordingUnit.DOMAIN);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "strict:page=1us",
                "strict:domain=1us",
                "strict:pages=8,page=1us,domain=2us",
                "strict:cost=guessed",
                "strict:cost=measured,pages=8",
                "strict:refill=1us",
                "strict:page=0ns,domain=1us",
                "strict:page=1,domain=1us",
                "strict:page=2s,domain=1us"
            })
    void whatDoesNotGoTogetherIsRefused(String choice) {
        assertThatThrownBy(() -> policy(choice))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("legal is pages=N")
                .hasMessageContaining("cost=measured");
    }

    private void sync(FlushPolicy policy, int ranges) {
        for (int i = 0; i < ranges; i++) {
            gather.addRange(i * G1, 0x1000, 0x1000);
        }
        policy.sync(ID, gather);
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
                                    throw new AssertionError("nothing is done later");
                                }));
    }
}
