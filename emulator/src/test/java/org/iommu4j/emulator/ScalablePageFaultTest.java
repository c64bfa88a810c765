package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.ScalableRig.A;
import static org.iommu4j.emulator.ScalableRig.D;
import static org.iommu4j.emulator.ScalableRig.DOMAIN;
import static org.iommu4j.emulator.ScalableRig.IOVA;
import static org.iommu4j.emulator.ScalableRig.P;
import static org.iommu4j.emulator.ScalableRig.RW;
import static org.iommu4j.emulator.ScalableRig.US;
import static org.iommu4j.emulator.ScalableRig.USER_RW;
import static org.iommu4j.emulator.ScalableRig.XD;
import static org.iommu4j.machine.SourceId.NO_PASID;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every reason of scalable mode that page tables and addresses give. */
class ScalablePageFaultTest {

    private static final int PASID = 9;
    private static final long BEYOND_MEMORY = 1L << 40;

    @ParameterizedTest
    @CsvSource({
        "absent, 0, 0x71, 0x71",
        "absent whatever else is set, 0x8000000000005f06, 0x71, 0x71",
        "read-only, 0x5005, 0, 0x85",
        "for supervisors, 0x5003, 0x81, 0x81",
        "address too wide, 0x400000005007, 0x72, 0x72",
        "ignored bits, 0x7ff0000000005f07, 0, 0",
        "execute-disable, 0x8000000000005007, 0, 0",
        "PAT of a small page, 0x5087, 0, 0"
    })
    void leavesOfFirstStage(String what, String leaf, String read, String write) {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long entry = rig.entryOf(rig.firstStageRoot(PASID), 4, IOVA, 0);
            long bits = Long.parseUnsignedLong(leaf.replace("0x", ""), 16);
            rig.memory.storeRelease(entry, bits);
            rig.invalidateAll();
            assertThat(rig.read(PASID, IOVA).code()).isEqualTo(Integer.decode(read));
            rig.invalidateAll();
            assertThat(rig.write(PASID, IOVA, 1).code()).isEqualTo(Integer.decode(write));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x200000, 0x1000, 0",
        "0x200000, 0x2000, 0x72",
        "0x200000, 0x100000, 0x72",
        "0x40000000, 0x1000, 0",
        "0x40000000, 0x2000, 0x72",
        "0x40000000, 0x200000, 0x72",
        "0x40000000, 0x20000000, 0x72"
    })
    void largeLeavesOfFirstStage(String size, String low, String reason) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options().memory(2L << 30))) {
            rig.enable();
            long root = rig.firstStage(PASID, DOMAIN, 4);
            long bytes = Long.decode(size);
            rig.mapFirst(root, 4, IOVA & -bytes, 0, bytes, USER_RW | Long.decode(low));
            rig.expectOrWord(PASID, IOVA, Integer.decode(reason));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void tablesOfFirstStage(int level) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options().pageSizes(Rig.KIB4))) {
            rig.enable();
            long root = rig.firstStage(PASID, DOMAIN, 5);
            rig.mapFirst(root, 5, IOVA, 0x5000, Rig.KIB4, USER_RW);
            long entry = rig.entryOf(root, 5, IOVA, level);
            long good = rig.memory.loadAcquire(entry);
            expectAfter(rig, entry, good & ~P, 0x71);
            expectAfter(rig, entry, good | 1L << 50, 0x72);
            expectAfter(rig, entry, BEYOND_MEMORY | USER_RW, 0x70);
            expectAfter(rig, entry, good & ~US, 0x81);
            if (level > 1) {
                expectAfter(rig, entry, good | Rig.PS, 0x72);
            }
            expectAfter(rig, entry, good & ~RW, 0);
            rig.expect(0x85, rig.write(PASID, IOVA, 1));
            expectAfter(rig, entry, good | 0xf58, 0);
        }
    }

    @Test
    void tablesThatCannotBeReached() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            rig.pasid(PASID, 1 << 6 | 1, rig.second(DOMAIN), BEYOND_MEMORY);
            rig.expect(0x73, rig.read(PASID, IOVA));
            rig.invalidateAll();
            rig.pasid(PASID, BEYOND_MEMORY | 2 << 6 | 2 << 2 | 1, rig.second(DOMAIN), 0);
            rig.expect(0x7b, rig.read(PASID, IOVA));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void executionIsDisabledAtAnyLevel(int level) {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long third = rig.pasidEntry(PASID) + 16;
            rig.memory.storeRelease(third, rig.memory.loadAcquire(third) | 2);
            BusMaster device = (BusMaster) rig.device.withPasid(PASID);
            rig.invalidateAll();
            assertThat(device.send(IOVA, Translation.READ | Translation.EXECUTE).isDone()).isTrue();
            long entry = rig.entryOf(rig.firstStageRoot(PASID), 4, IOVA, level);
            rig.memory.storeRelease(entry, rig.memory.loadAcquire(entry) | XD);
            rig.invalidateAll();
            rig.expect(0x82, device.send(IOVA, Translation.READ | Translation.EXECUTE));
            rig.word(PASID, IOVA);
            rig.expect(0x82, device.send(IOVA, Translation.READ | Translation.EXECUTE));
        }
    }

    @Test
    void aSupervisorReachesMore() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long entry = rig.entryOf(rig.firstStageRoot(PASID), 4, IOVA, 0);
            rig.memory.storeRelease(entry, 0x5000 | P);
            long third = rig.pasidEntry(PASID) + 16;
            rig.memory.storeRelease(third, rig.memory.loadAcquire(third) | 1);
            rig.invalidateAll();
            BusMaster device = (BusMaster) rig.device.withPasid(PASID);
            int write = Translation.WRITE | Translation.PRIVILEGED;
            assertThat(device.send(IOVA, Translation.READ | Translation.PRIVILEGED).isDone())
                    .isTrue();
            assertThat(rig.memory.loadAcquire(entry)).isEqualTo(0x5000 | P | A);
            assertThat(device.send(IOVA, write).isDone()).isTrue();
            assertThat(rig.memory.loadAcquire(entry)).isEqualTo(0x5000 | P | A | D);
            rig.expect(0x81, rig.read(PASID, IOVA));
            rig.memory.storeRelease(third, rig.memory.loadAcquire(third) | 1 << 4);
            rig.invalidateAll();
            rig.expect(0x85, device.send(IOVA, write));
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 47", "5, 56"})
    void addressesOfFirstStageAreCanonical(int levels, int bits) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            long root = rig.firstStage(PASID, DOMAIN, levels);
            rig.expect(0x80, rig.read(PASID, 1L << bits));
            rig.expect(0x80, rig.read(PASID, (-1L << bits) - 8));
            rig.expect(0x80, rig.read(PASID, 1L << 63));
            rig.expect(0x71, rig.read(PASID, (1L << bits) - 8));
            rig.expect(0x71, rig.read(PASID, -1L << bits));
            rig.mapFirst(root, levels, -1L << bits, 0x5000, Rig.KIB4, USER_RW);
            rig.memory.storeRelease(0x5008, 7);
            assertThat(rig.word(PASID, (-1L << bits) + 8)).isEqualTo(7);
            assertThat(rig.word(PASID, (-1L << bits) + 8)).as("cached").isEqualTo(7);
            rig.expect(0x71, rig.read(PASID, (1L << bits) - 8));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0x79, 0x79",
        "0x5001, 0, 0x85",
        "0x5002, 0x86, 0",
        "0x5803, 0x7a, 0x7a",
        "0x4000000000005003, 0x7a, 0x7a",
        "0x400000005003, 0x7a, 0x7a",
        "0xbff0000000005403, 0, 0"
    })
    void leavesOfSecondStage(String leaf, String read, String write) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            long root = rig.secondStage(PASID, DOMAIN, 48, false);
            long entry = rig.mapSecond(root, 4, IOVA, 0, Rig.KIB4, 0);
            rig.memory.storeRelease(entry, Long.parseUnsignedLong(leaf.replace("0x", ""), 16));
            assertThat(rig.read(PASID, IOVA).code()).isEqualTo(Integer.decode(read));
            rig.invalidateAll();
            assertThat(rig.write(PASID, IOVA, 1).code()).isEqualTo(Integer.decode(write));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void tablesOfSecondStage(int level) {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            long root = rig.secondStage(PASID, DOMAIN, 48, true);
            rig.mapSecond(root, 4, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            long entry = rig.entryOf(root, 4, IOVA, level);
            long good = rig.memory.loadAcquire(entry);
            expectAfter(rig, entry, good & ~Rig.RW, 0x79);
            expectAfter(rig, entry, good & ~Rig.READ, 0x86);
            expectAfter(rig, entry, good | 1 << 11, 0x7a);
            expectAfter(rig, entry, BEYOND_MEMORY | Rig.RW, 0x78);
            expectAfter(rig, entry, good & ~Rig.WRITE, 0);
            rig.expect(0x85, rig.write(PASID, IOVA, 1));
        }
    }

    @Test
    void beyondTheWidthOfTheTablesOrOfTheUnit() {
        EmulatorOptions options = ScalableRig.options().addressWidths(39, 48);
        try (ScalableRig rig = new ScalableRig(options)) {
            rig.enable();
            rig.secondStage(PASID, DOMAIN, 39, false);
            rig.expect(0x79, rig.read(PASID, (1L << 39) - 8));
            rig.expect(0x84, rig.read(PASID, 1L << 39));
            rig.expect(0x83, rig.read(PASID, 1L << 48));
            rig.expect(0x83, rig.read(PASID, -8));
            rig.passThrough(PASID + 1, DOMAIN);
            assertThat(rig.read(PASID + 1, (1L << 46) - 8).code()).isZero();
            rig.expect(0x83, rig.read(PASID + 1, 1L << 46));
        }
    }

    @Test
    void accessedAndDirtyBitsWithoutSnooping() {
        EmulatorOptions options = ScalableRig.options().pageWalkCoherent(false);
        try (ScalableRig rig = new ScalableRig(options)) {
            rig.enable();
            long root = rig.firstStage(PASID, DOMAIN, 4);
            rig.mapFirst(root, 4, IOVA, 0x5000, Rig.KIB4, USER_RW);
            writeBack(rig);
            for (int level = 3; level >= 0; level--) {
                rig.expect(0x90, rig.read(PASID, IOVA));
                long entry = rig.entryOf(root, 4, IOVA, level);
                rig.memory.storeRelease(entry, rig.memory.loadAcquire(entry) | A);
                writeBack(rig);
            }
            rig.word(PASID, IOVA);
            rig.expect(0x90, rig.write(PASID, IOVA, 1));
            long entry = rig.entryOf(root, 4, IOVA, 0);
            rig.memory.storeRelease(entry, rig.memory.loadAcquire(entry) | D);
            writeBack(rig);
            assertThat(rig.write(PASID, IOVA, 1).isDone()).isTrue();
        }
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            long root = rig.secondStage(PASID, DOMAIN, 48, true);
            rig.memory.storeRelease(rig.pasidEntry(PASID) + 8, DOMAIN);
            rig.mapSecond(root, 4, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.expect(0x7c, rig.read(PASID, IOVA));
        }
    }

    @Test
    void theInterruptRange() {
        EmulatorOptions options = ScalableRig.options();
        try (ScalableRig rig = new ScalableRig(options)) {
            rig.enable();
            long first = rig.firstStage(PASID, DOMAIN, 4);
            rig.mapFirst(first, 4, 0, 3 * Rig.GIB1, Rig.GIB1, USER_RW);
            rig.expect(0x87, rig.read(PASID, 0x3ee00000));
            rig.expect(0x87, rig.write(PASID, 0x3eeffff8, 1));
            long second = rig.secondStage(PASID + 1, DOMAIN + 1, 48, false);
            rig.mapSecond(second, 4, 0, 3 * Rig.GIB1, Rig.GIB1, Rig.RW);
            rig.expect(0x87, rig.read(PASID + 1, 0x3ee00000));
            rig.passThrough(PASID + 2, DOMAIN + 2);
            rig.expect(0x87, rig.write(PASID + 2, 0xfee00000L, 1));
            /* As an address with a PASID it is like any other; without one it is never translated. */
            rig.mapFirst(first, 4, 0xfee00000L, 0x5000, Rig.KIB4, USER_RW);
            rig.memory.storeRelease(0x5000, 5);
            assertThat(rig.word(PASID, 0xfee00000L)).isEqualTo(5);
            rig.passThrough(0, DOMAIN + 2);
            assertThat(rig.write(NO_PASID, 0xfee00000L, 1).isDone()).isFalse();
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isZero();
        }
    }

    private static void expectAfter(ScalableRig rig, long entry, long value, int reason) {
        rig.memory.storeRelease(entry, value);
        rig.invalidateAll();
        rig.expectOrWord(PASID, IOVA, reason);
    }

    private static void writeBack(ScalableRig rig) {
        rig.memory.writeBack(0, rig.memory.size());
        rig.memory.fence();
    }
}
