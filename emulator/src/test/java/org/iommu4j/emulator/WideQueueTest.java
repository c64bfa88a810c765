package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.ScalableRig.DOMAIN;
import static org.iommu4j.emulator.ScalableRig.IOVA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The invalidation queue with descriptors of 256 bits, and what it takes of which width. */
class WideQueueTest {

    private static final int PASID = 9;
    private static final int QUEUE_ERROR = 1 << 4;
    private static final long WIDE = 1 << 11;
    private static final long SCALABLE = 1 << 10;

    @Test
    void goesRoundAtItsEnd() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            for (int i = 0; i < 200; i++) {
                rig.invalidatePasids();
                assertThat(rig.rig.registers.read32(Rig.IQH) % 32).isZero();
            }
            rig.submit(4);
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "context cache of no granularity, 0x1, 0, 0, 0, 4",
        "upper half of a context cache, 0x11, 0, 1, 0, 4",
        "upper half of an IOTLB, 0x12, 0, 0, 1, 4",
        "upper half of a wait, 0x5, 0, 1, 0, 4",
        "PASID IOTLB of no granularity, 0x6, 0, 0, 0, 4",
        "PASID IOTLB of everything, 0x16, 0, 0, 0, 4",
        "PASID IOTLB with a drain bit, 0x66, 0, 0, 0, 4",
        "PASID IOTLB with a PASID too large, 0x10000000000026, 0, 0, 0, 4",
        "PASID IOTLB with a mask too large, 0x36, 0x13, 0, 0, 4",
        "PASID IOTLB with a reserved bit, 0x36, 0x80, 0, 0, 4",
        "upper half of a PASID IOTLB, 0x26, 0, 0, 1, 4",
        "PASID cache of granularity 2, 0x27, 0, 0, 0, 4",
        "PASID cache with a second word, 0x37, 0x1000, 0, 0, 4",
        "upper half of a PASID cache, 0x37, 0, 1, 0, 4",
        "no type, 0x0, 0, 0, 0, 3",
        "type of no kind, 0xe07, 0, 0, 0, 3"
    })
    void whatIsMalformedStopsIt(
            String what, String first, String second, long third, long fourth, int error) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            rig.submit(Long.decode(first), Long.decode(second), third, fourth);
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isEqualTo(QUEUE_ERROR);
            assertThat(rig.rig.registers.read64(Rig.IQERCD)).isEqualTo(error);
            assertThat(rig.rig.registers.read32(Rig.IQH)).isZero();
            /* Software puts something legal in its place, and clears the error. */
            for (int word = 0; word < 4; word++) {
                rig.memory.storeRelease(rig.rig.queue + word * 8L, word == 0 ? 0x37 : 0);
            }
            rig.rig.registers.write32(Rig.FSTS, QUEUE_ERROR);
            assertThat(rig.rig.registers.read32(Rig.IQH)).isEqualTo(32);
            rig.invalidateAll();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x26, 0x37})
    void aNarrowQueueTakesNothingOfScalableMode(long descriptor) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable(SCALABLE, 0);
            rig.rig.invalidateContexts();
            rig.rig.invalidateAll();
            rig.rig.submit(descriptor, 0);
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isEqualTo(QUEUE_ERROR);
            assertThat(rig.rig.registers.read64(Rig.IQERCD)).isEqualTo(5);
        }
    }

    @Test
    void aNarrowQueueServesSecondStage() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable(SCALABLE, 0);
            long root = rig.secondStage(PASID, Rig.DOMAIN, 48, false);
            long leaf = rig.mapSecond(root, 4, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.word(PASID, IOVA);
            rig.memory.storeRelease(leaf, 0);
            rig.word(PASID, IOVA);
            rig.rig.invalidatePages(IOVA, 0, true);
            rig.expect(0x79, rig.read(PASID, IOVA));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0x26, 0x37})
    void aUnitWithoutScalableModeKnowsNoneOfIt(long descriptor) {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.submit(descriptor, 0);
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(QUEUE_ERROR);
            assertThat(rig.registers.read64(Rig.IQERCD)).isEqualTo(3);
        }
    }

    @Test
    void aTailInTheMiddleOfADescriptorStopsIt() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            rig.rig.registers.write32(Rig.IQT, 16);
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isEqualTo(QUEUE_ERROR);
            assertThat(rig.rig.registers.read64(Rig.IQERCD)).isEqualTo(1);
        }
    }

    @Test
    void aWideQueueServesLegacyModeToo() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            long root = rig.rig.page();
            rig.rig.context(root | 1, DOMAIN << 8 | 2);
            rig.enable(0, WIDE);
            long leaf = rig.mapSecond(root, 4, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.rig.word(IOVA);
            rig.memory.storeRelease(leaf, 0);
            rig.invalidatePages(DOMAIN, IOVA, 0, true);
            assertThat(rig.rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);
        }
    }
}
