package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DomainAttributionTest {
    private static final long UNNAMED = TraceEvent.UNNAMED;

    private final DomainAttribution attribution = new DomainAttribution();
    private long line;

    @Test
    void aMapOntoSomethingLiveBelongsToAnotherDomain() {
        assertThat(map(1, 0x1000, 0x1000, UNNAMED)).isZero();
        assertThat(map(1, 0x1000, 0x1000, UNNAMED)).isEqualTo(1);
        assertThat(map(1, 0x0000, 0x3000, UNNAMED)).isEqualTo(2);
        assertThat(attribution.ambiguous()).isZero();
    }

    @Test
    void aTaskStaysWithItsDomain() {
        map(1, 0x1000, 0x1000, UNNAMED);
        map(2, 0x1000, 0x1000, UNNAMED);
        assertThat(map(1, 0x5000, 0x1000, UNNAMED)).isZero();
        assertThat(map(2, 0x6000, 0x1000, UNNAMED)).isEqualTo(1);
        assertThat(attribution.ambiguous()).isEqualTo(2);
    }

    @Test
    void anUnmapBelongsWhereItsRangeIsMapped() {
        map(1, 0x1000, 0x1000, UNNAMED);
        map(2, 0x1000, 0x1000, UNNAMED);
        map(2, 0x2000, 0x1000, UNNAMED);
        assertThat(unmap(1, 0x1000, 0x2000, UNNAMED)).isEqualTo(1);
        assertThat(unmap(2, 0x1000, 0x1000, UNNAMED)).isZero();
    }

    @Test
    void anUnmapThatFitsTwoDomainsIsAmbiguous() {
        map(1, 0x1000, 0x1000, UNNAMED);
        map(2, 0x1000, 0x1000, UNNAMED);
        assertThat(unmap(1, 0x1000, 0x1000, UNNAMED)).isZero();
        assertThat(attribution.ambiguous()).isEqualTo(1);
    }

    @Test
    void ofTwoDomainsTheOneWhereTheRangeStandsAloneIsLikelier() {
        map(1, 0x0000, 0x1000000, UNNAMED);
        map(2, 0x1000, 0x100000, UNNAMED);
        assertThat(unmap(1, 0x1000, 0x100000, UNNAMED)).isEqualTo(1);
    }

    @Test
    void ofTwoDomainsTheOneMappedInLastIsLikelier() {
        map(1, 0x1000, 0x1000, UNNAMED);
        map(2, 0x1000, 0x1000, UNNAMED);
        assertThat(unmap(3, 0x1000, 0x1000, UNNAMED)).isEqualTo(1);
    }

    @Test
    void aNamedDomainIsTheOneNamed() {
        assertThat(map(1, 0x1000, 0x1000, 7)).isZero();
        assertThat(map(1, 0x2000, 0x1000, 8)).isEqualTo(1);
        assertThat(map(1, 0x3000, 0x1000, 7)).isZero();
        assertThat(unmap(9, 0x2000, 0x1000, 8)).isEqualTo(1);
        assertThat(attribution.domains()).extracting(domain -> domain.name).containsExactly(7L, 8L);
        assertThat(attribution.ambiguous()).isZero();
    }

    @Test
    void anUnmapNamesTheDomainThatHoldsItsRange() {
        map(1, 0x1000, 0x1000, UNNAMED);
        assertThat(unmap(1, 0x1000, 0x1000, 5)).isZero();
        assertThat(attribution.domains()).extracting(domain -> domain.name).containsExactly(5L);
        assertThat(attribution.misattributed()).isZero();
    }

    @Test
    void anUnmapNamedToAnotherDomainThanItsMapGoesWhereTheMapWent() {
        map(1, 0x1000, 0x1000, 5);
        assertThat(unmap(1, 0x1000, 0x1000, 6)).isZero();
        assertThat(attribution.misattributed()).isEqualTo(1);
        assertThat(attribution.domains()).hasSize(2);
    }

    @Test
    void aTraceWithoutUnmapsMakesUpAFewDomainsOnly() {
        for (int i = 0; i < 3 * DomainAttribution.LIMIT; i++) {
            map(1, 0x1000, 0x1000, UNNAMED);
        }
        assertThat(attribution.domains()).hasSize(DomainAttribution.LIMIT);
    }

    private int map(long task, long iova, long size, long name) {
        TraceEvent event = event(TraceEvent.Kind.MAP, task, iova, size, name);
        TracedDomain domain = attribution.ofMap(event);
        domain.live.remove(iova, size);
        domain.live.add(iova, iova, size);
        return domain.number;
    }

    private int unmap(long task, long iova, long size, long name) {
        TraceEvent event = event(TraceEvent.Kind.UNMAP, task, iova, size, name);
        event.unmappedSize = size;
        TracedDomain domain = attribution.ofUnmap(event);
        domain.live.remove(iova, size);
        return domain.number;
    }

    private TraceEvent event(TraceEvent.Kind kind, long task, long iova, long size, long name) {
        TraceEvent event = new TraceEvent();
        event.kind = kind;
        event.line = ++line;
        event.task = task;
        event.iova = iova;
        event.size = size;
        event.domain = name;
        return event;
    }
}
