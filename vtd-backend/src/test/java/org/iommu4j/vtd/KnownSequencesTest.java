package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.Mapping;
import org.iommu4j.api.MappingConflictException;
import org.iommu4j.walker.TableAllocatorProvider;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sequences that the field knows, through page tables of every depth. */
class KnownSequencesTest {

    private static final long K4 = 0x1000;
    private static final long M2 = 0x20_0000;
    private static final long G1 = 0x4000_0000;

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void smallPagesOfAMisalignedBuffer(int width) {
        with(
                width,
                domain -> {
                    domain.map(0xfef8_0000L, 0x20_8b95_d000L, 128 << 10, Access.READ_WRITE);
                    assertThat(leaves(domain)).hasSize(32).allMatch(leaf -> leaf.size() == K4);
                    assertThat(domain.translate(0xfef8_0000L)).isEqualTo(0x20_8b95_d000L);
                    assertThat(domain.translate(0xfef9_ffffL)).isEqualTo(0x20_8b97_cfffL);
                    assertThat(domain.translate(0xfef7_ffffL)).isEqualTo(IommuDomain.NOT_MAPPED);
                    assertThat(domain.translate(0xfefa_0000L)).isEqualTo(IommuDomain.NOT_MAPPED);
                    assertThat(domain.unmap(0xfef8_0000L, 128 << 10)).isEqualTo(128 << 10);
                    assertThat(leaves(domain)).isEmpty();
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void M3_anIdentityMapOfAHostsMemory(int width) {
        with(
                width,
                domain -> {
                    long start = 0x3_fe40_0000L;
                    long end = 0x4_c060_0000L;
                    domain.map(start, start, end - start, Access.READ_WRITE);
                    List<Long> sizes = leaves(domain).stream().map(Mapping::size).toList();
                    List<Long> expected = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        expected.add(i < 14 || i >= 17 ? M2 : G1);
                    }
                    assertThat(sizes).isEqualTo(expected);
                    assertThat(domain.statistics().mappedBytes()).isEqualTo(end - start);
                    for (long iova = start; iova < end; iova += M2) {
                        assertThat(domain.translate(iova + 0x123)).isEqualTo(iova + 0x123);
                    }
                    assertThat(domain.unmap(start, end - start)).isEqualTo(end - start);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void M5_aTableEmptiedPageByPageIsReplacedByALargeLeaf(int width) {
        with(
                width,
                domain -> {
                    domain.map(G1, K4, M2, Access.READ);
                    assertThat(leaves(domain)).hasSize(512);
                    for (long iova = G1; iova < G1 + M2; iova += K4) {
                        assertThat(domain.unmap(iova, K4)).isEqualTo(K4);
                    }
                    domain.map(G1, M2, M2, Access.READ);
                    assertThat(leaves(domain))
                            .containsExactly(new Mapping(G1, M2, M2, Access.READ));
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void everyPageSizeSideBySide(int width) {
        with(
                width,
                domain -> {
                    for (long size : new long[] {K4, M2, G1}) {
                        domain.map(G1 + size, 5 * G1 + size, size, Access.READ_WRITE);
                    }
                    assertThat(domain.statistics().leaves())
                            .containsEntry(K4, 1L)
                            .containsEntry(M2, 1L)
                            .containsEntry(G1, 1L);
                    for (long size : new long[] {K4, M2, G1}) {
                        assertThat(domain.translate(G1 + size + 0xabc))
                                .isEqualTo(5 * G1 + size + 0xabc);
                        assertThatThrownBy(() -> domain.map(G1 + size, 0, size, Access.READ))
                                .isInstanceOf(MappingConflictException.class)
                                .hasMessageContaining(Long.toHexString(G1 + size));
                    }
                    for (long size : new long[] {K4, M2, G1}) {
                        assertThat(domain.unmap(G1 + size, size)).isEqualTo(size);
                        assertThat(domain.translate(G1 + size)).isEqualTo(IommuDomain.NOT_MAPPED);
                    }
                    assertThat(domain.unmap(0, 1L << 39)).isZero();
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void S2_aPageIsPunchedOutOfOneGibibyte(int width) {
        Access access = Access.READ_WRITE.withSnoop().withSoftware(0xa5);
        with(
                width,
                domain -> {
                    domain.map(2 * G1, 7 * G1, G1, access);
                    IotlbGather gather = domain.gather();
                    long hole = 2 * G1 + 5 * M2 + 7 * K4;
                    assertThat(domain.unmap(hole, K4, gather)).isEqualTo(K4);
                    assertThat(gather.start()).isEqualTo(2 * G1);
                    assertThat(gather.end()).isEqualTo(3 * G1);
                    assertThat(gather.structureChanged()).isTrue();
                    domain.sync(gather).await();
                    assertThat(domain.translate(hole)).isEqualTo(IommuDomain.NOT_MAPPED);
                    assertThat(domain.translate(hole - 1)).isEqualTo(hole - 1 + 5 * G1);
                    assertThat(domain.translate(hole + K4)).isEqualTo(hole + K4 + 5 * G1);
                    assertThat(domain.statistics().leaves())
                            .containsEntry(M2, 511L)
                            .containsEntry(K4, 511L);
                    assertThat(domain.statistics().mappedBytes()).isEqualTo(G1 - K4);
                    assertThat(leaves(domain)).allMatch(leaf -> leaf.access().equals(access));
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void splitAndCutUnmapNothing(int width) {
        with(
                width,
                domain -> {
                    domain.map(0, 0, 2 * G1, Access.READ);
                    IotlbGather gather = domain.gather();
                    domain.cut(3 * K4, G1, gather);
                    domain.sync(gather).await();
                    assertThat(domain.mappingAt(3 * K4).orElseThrow().size()).isEqualTo(K4);
                    assertThat(domain.mappingAt(G1 + M2).orElseThrow().size()).isEqualTo(M2);
                    domain.split(M2, M2, K4, gather);
                    domain.sync(gather).await();
                    assertThat(domain.mappingAt(M2).orElseThrow().size()).isEqualTo(K4);
                    assertThat(domain.mappingAt(2 * M2).orElseThrow().size()).isEqualTo(M2);
                    assertThat(domain.statistics().mappedBytes()).isEqualTo(2 * G1);
                    for (long iova = 0; iova < 2 * G1; iova += M2 / 2) {
                        assertThat(domain.translate(iova)).isEqualTo(iova);
                    }
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {39, 48, 57})
    void M6_bothEndsOfTheAddressSpace(int width) {
        long end = 1L << width;
        with(
                width,
                domain -> {
                    long lastOutput = (1L << 52) - K4;
                    domain.map(0, lastOutput, K4, Access.READ);
                    domain.map(end - K4, 0, K4, Access.WRITE);
                    assertThat(domain.translate(0xfff)).isEqualTo(lastOutput + 0xfff);
                    assertThat(domain.translate(end - 1)).isEqualTo(0xfff);
                    assertThat(domain.translate(end)).isEqualTo(IommuDomain.NOT_MAPPED);
                    assertThat(domain.translate(-1)).isEqualTo(IommuDomain.NOT_MAPPED);
                    for (long[] wrong :
                            new long[][] {
                                {end, 0, K4},
                                {end - K4, 0, 2 * K4},
                                {-K4, 0, K4},
                                {K4, lastOutput, 2 * K4},
                                {K4, 1L << 52, K4},
                                {K4, -K4, K4},
                                {K4 + 8, 0, K4},
                                {K4, 8, K4},
                                {K4, 0, 0},
                                {K4, 0, -K4},
                                {K4, 0, 8},
                                {K4, 0, Long.MIN_VALUE}
                            }) {
                        assertThatThrownBy(
                                        () -> domain.map(wrong[0], wrong[1], wrong[2], Access.READ))
                                .isInstanceOf(IllegalArgumentException.class)
                                .hasMessageContaining("0x");
                    }
                    assertThat(domain.statistics().mappedBytes()).isEqualTo(2 * K4);
                    assertThat(domain.unmap(0, end)).isEqualTo(2 * K4);
                });
    }

    private interface Sequence {
        void on(IommuDomain domain);
    }

    private static void with(int width, Sequence sequence) {
        CapturingAllocator pages = new CapturingAllocator();
        IommuOptions options =
                IommuOptions.memoryOnly(1 << 24).with(TableAllocatorProvider.class, pages);
        try (Iommu iommu = Iommu.open("vtd", options);
                IommuDomain domain =
                        iommu.createDomain(DomainOptions.defaults().withAddressWidth(width))) {
            sequence.on(domain);
        }
        assertThat(pages.taken()).isZero();
    }

    private static List<Mapping> leaves(IommuDomain domain) {
        List<Mapping> leaves = new ArrayList<>();
        domain.mappings(
                0,
                1L << 39,
                (iova, output, size, access) ->
                        leaves.add(new Mapping(iova, output, size, access)));
        return leaves;
    }
}
