package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.ScalableRig.DOMAIN;
import static org.iommu4j.emulator.ScalableRig.IOVA;
import static org.iommu4j.machine.SourceId.NO_PASID;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every reason of scalable mode that comes before page tables, made by the tables that it stands
 * for, and how it is recorded.
 */
class ScalableFaultTest {

    private static final int PASID = 9;
    private static final long BEYOND_HOST = 1L << 46;
    private static final long BEYOND_MEMORY = 1L << 40;

    @Test
    void theRootTableAddress() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable(1 << 10 | BEYOND_HOST, 1 << 11);
            rig.expect(0x30, rig.read(NO_PASID, IOVA));
            rig.enable(2 << 10, 1 << 11);
            rig.expect(0x30, rig.read(PASID, IOVA));
            rig.enable(0, 1 << 11);
            rig.expect(0x31, rig.read(PASID, IOVA));
            rig.enable(1 << 10 | BEYOND_MEMORY, 1 << 11);
            rig.expect(0x38, rig.read(PASID, IOVA));
        }
    }

    @Test
    void rootEntries() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long root = rig.rig.rootTable;
            long good = rig.memory.loadAcquire(root);
            rig.memory.storeRelease(root + 8, -1);
            rig.word(PASID, IOVA);
            for (long[] bad :
                    new long[][] {
                        {good & ~1, 0x39},
                        {good | 2, 0x3a},
                        {good | 1 << 11, 0x3a},
                        {good | BEYOND_HOST, 0x3a},
                        {good | BEYOND_MEMORY, 0x40}
                    }) {
                rig.memory.storeRelease(root, bad[0]);
                rig.invalidateAll();
                rig.expect((int) bad[1], rig.read(PASID, IOVA));
            }
        }
    }

    @Test
    void functionsFromTheMiddleOnHaveTheUpperHalf() {
        EmulatorOptions options = ScalableRig.options().devices(17);
        try (ScalableRig rig = new ScalableRig(options)) {
            BusMaster late = (BusMaster) rig.rig.machine.devices().get(16);
            assertThat(late.source().requester()).isEqualTo(0x88);
            rig.enable();
            rig.expect(0x39, late.read(IOVA, ByteBuffer.allocate(8)));
            long table = rig.rig.page();
            rig.memory.storeRelease(rig.rig.rootTable + 8, table | 1);
            rig.memory.storeRelease(table + 0x08 * 32, rig.directory | 1);
            rig.passThrough(0, DOMAIN);
            assertThat(late.read(0x1000, ByteBuffer.allocate(8)).isDone()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "not present, 0x8, 0, 0x41",
        "reserved bit 5, 0x29, 0, 0x42",
        "reserved bit 8, 0x109, 0, 0x42",
        "device TLB that is not there, 0xd, 0, 0x42",
        "page requests that are not there, 0x19, 0, 0x42",
        "address too wide, 0x400000000009, 0, 0x42",
        "reserved bit of the second word, 0x9, 0x200000, 0x42",
        "PASIDs off, 0x1, 0, 0x45",
        "directory beyond memory, 0x10000000009, 0, 0x50",
        "directory of the largest size, 0xe09, 0, 0"
    })
    void contextEntries(String what, String first, String second, String reason) {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long word = Long.decode(first);
            rig.context(word >>> 12 == 0 ? word | rig.directory : word, Long.decode(second));
            rig.invalidateAll();
            rig.expectOrWord(PASID, IOVA, Integer.decode(reason));
        }
    }

    @Test
    void reservedWordsOfContextEntries() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            for (int word : new int[] {2, 3}) {
                rig.memory.storeRelease(rig.contextEntry + word * 8L, 1);
                rig.invalidateAll();
                rig.expect(0x42, rig.read(PASID, IOVA));
                rig.memory.storeRelease(rig.contextEntry + word * 8L, 0);
            }
        }
    }

    @Test
    void pageRequestsTakeADeviceTlb() {
        EmulatorOptions options = ScalableRig.options().pageRequests(true);
        try (ScalableRig rig = ScalableRig.prepared(PASID, options)) {
            rig.context(rig.directory | 1 << 4 | 1 << 3 | 1, 0);
            rig.invalidateAll();
            rig.expect(0x43, rig.read(PASID, IOVA));
            rig.context(rig.directory | 1 << 4 | 1 << 3 | 1 << 2 | 1, 0);
            rig.invalidateAll();
            rig.word(PASID, IOVA);
        }
    }

    @Test
    void pasidsBeyondTheDirectory() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            rig.expect(0x46, rig.read(1 << 13, IOVA));
            rig.expect(0x51, rig.read((1 << 13) - 1, IOVA));
            rig.context(rig.directory | 1 << 3 | 1, 1 << 13);
            rig.invalidateAll();
            rig.expect(0x48, rig.read(NO_PASID, IOVA));
            rig.word(PASID, IOVA);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "not present, 0x0, 0x51",
        "reserved bit 2, 0x5, 0x52",
        "reserved bit 11, 0x801, 0x52",
        "address too wide, 0x400000000001, 0x52",
        "table beyond memory, 0x10000000001, 0x58"
    })
    void directoryEntries(String what, String entry, String reason) {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long word = Long.decode(entry);
            rig.memory.storeRelease(rig.directory, word >>> 12 == 0 ? word | rig.pasidTable : word);
            rig.invalidateAll();
            rig.expect(Integer.decode(reason), rig.read(PASID, IOVA));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "not present, 0x40, 0, 0, 0x59",
        "execution by second stage, 0x61, 0, 0, 0x5a",
        "reserved bit 10, 0x441, 0, 0, 0x5a",
        "second-stage pointer that does not count, 0x400000000041, 0, 0, 0",
        "first-stage pointer too wide, 0x41, 0, 0x400000000000, 0x5a",
        "reserved bit 16 of the second word, 0x41, 0x10000, 0, 0x5a",
        "domain id too large, 0x41, 0x1000, 0, 0x5a",
        "snooped pages that are not there, 0x41, 0x1000000, 0, 0x5a",
        "memory types do not count, 0x41, 0x123456fe000000, 0, 0",
        "reserved bit 5 of the third word, 0x41, 0, 0x20, 0x5a",
        "extended accessed bits that are not there, 0x41, 0, 0x80, 0x5a",
        "reserved bit 11 of the third word, 0x41, 0, 0x800, 0x5a",
        "no type, 0x1, 0, 0, 0x5b",
        "nested, 0xc1, 0, 0, 0x5b",
        "type of no kind, 0x1c1, 0, 0, 0x5b",
        "levels of no kind, 0x41, 0, 0x8, 0x5b",
        "second stage of a width of no kind, 0x81, 0, 0, 0x5b",
        "second stage of a width that is not supported, 0x85, 0, 0, 0x5b"
    })
    void pasidEntries(String what, String first, String second, String third, String reason) {
        EmulatorOptions options = ScalableRig.options().addressWidths(48, 57).domainIdBits(12);
        try (ScalableRig rig = ScalableRig.prepared(PASID, options)) {
            long pointer = rig.memory.loadAcquire(rig.pasidEntry(PASID) + 16);
            long snooped = rig.memory.loadAcquire(rig.pasidEntry(PASID) + 8);
            rig.pasid(
                    PASID,
                    Long.decode(first),
                    Long.decode(second) | snooped,
                    Long.decode(third) | pointer);
            rig.invalidateAll();
            rig.expectOrWord(PASID, IOVA, Integer.decode(reason));
        }
    }

    @Test
    void reservedWordsOfPasidEntries() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            for (int word = 3; word < 8; word++) {
                rig.memory.storeRelease(rig.pasidEntry(PASID) + word * 8L, 1L << 40);
                rig.invalidateAll();
                rig.expect(0x5a, rig.read(PASID, IOVA));
                rig.memory.storeRelease(rig.pasidEntry(PASID) + word * 8L, 0);
            }
        }
    }

    @Test
    void whatAUnitCannotDoIsInvalidOrReserved() {
        EmulatorOptions options = ScalableRig.options().addressWidths(48);
        try (ScalableRig rig = new ScalableRig(options.firstStage(false))) {
            rig.enable();
            rig.firstStage(PASID, DOMAIN, 4);
            rig.expect(0x5b, rig.read(PASID, IOVA));
        }
        try (ScalableRig rig = new ScalableRig(options.secondStage(false))) {
            rig.enable();
            rig.secondStage(PASID, DOMAIN, 48, false);
            rig.expect(0x5b, rig.read(PASID, IOVA));
            rig.firstStage(PASID, DOMAIN, 5);
            rig.expect(0x5b, rig.read(PASID, IOVA));
        }
        try (ScalableRig rig = new ScalableRig(options.accessedDirty(false))) {
            rig.enable();
            rig.secondStage(PASID, DOMAIN, 48, true);
            rig.expect(0x5a, rig.read(PASID, IOVA));
        }
        try (ScalableRig rig = new ScalableRig(options.pageWalkCoherent(false))) {
            rig.enable();
            long root = rig.firstStage(PASID, DOMAIN, 4);
            rig.pasid(PASID, 1 << 6 | 1, 1 << 23 | DOMAIN, root);
            rig.expect(0x5a, rig.read(PASID, IOVA));
        }
    }

    @Test
    void requestsToExecuteOrOfASupervisorMustBeServed() {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            BusMaster device = (BusMaster) rig.device.withPasid(PASID);
            int execute = Translation.READ | Translation.EXECUTE;
            int supervisor = Translation.READ | Translation.PRIVILEGED;
            rig.expect(0x5c, device.send(IOVA, execute));
            rig.expect(0x5d, device.send(IOVA, supervisor));
            rig.memory.storeRelease(
                    rig.pasidEntry(PASID) + 16,
                    rig.memory.loadAcquire(rig.pasidEntry(PASID) + 16) | 3);
            rig.invalidateAll();
            assertThat(device.send(IOVA, execute).isDone()).isTrue();
            assertThat(device.send(IOVA, supervisor).isDone()).isTrue();
        }
    }

    @Test
    void aRecordSaysInWhoseName() {
        try (ScalableRig rig = new ScalableRig(ScalableRig.options())) {
            rig.enable();
            rig.firstStage(PASID, DOMAIN, 4);
            rig.firstStage(0, DOMAIN, 4);
            int source = rig.device.source().requester();
            rig.read(PASID, IOVA + 0x128);
            long high = 1L << 63 | 1L << 62 | (long) PASID << 40 | 0x71L << 32 | 1L << 31 | source;
            assertThat(rig.rig.registers.read64(rig.rig.record(0))).isEqualTo(IOVA);
            assertThat(rig.rig.registers.read64(rig.rig.record(0) + 8)).isEqualTo(high);
            rig.write(NO_PASID, IOVA, 1);
            high = 1L << 63 | 0x71L << 32 | source;
            assertThat(rig.rig.registers.read64(rig.rig.record(1) + 8)).isEqualTo(high);
            BusMaster device = (BusMaster) rig.device.withPasid(0xfffff);
            rig.context(rig.directory | 7 << 9 | 1 << 3 | 1, 0);
            rig.invalidateAll();
            device.send(IOVA, Translation.READ | Translation.EXECUTE | Translation.PRIVILEGED);
            high = 1L << 63 | 1L << 62 | 0xfffffL << 40 | 0x51L << 32 | 7L << 29 | source;
            assertThat(rig.rig.registers.read64(rig.rig.record(2) + 8)).isEqualTo(high);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"context", "directory", "entry"})
    void faultsThatNobodyWantsToHearOfAreNotRecorded(String where) {
        try (ScalableRig rig = ScalableRig.prepared(PASID, ScalableRig.options())) {
            long word =
                    switch (where) {
                        case "context" -> rig.contextEntry;
                        case "directory" -> rig.directory;
                        default -> rig.pasidEntry(PASID);
                    };
            long entry = rig.entryOf(rig.firstStageRoot(PASID), 4, IOVA, 0);
            rig.memory.storeRelease(entry, 0);
            rig.memory.storeRelease(word, rig.memory.loadAcquire(word) | 2);
            rig.invalidateAll();
            assertThat(rig.read(PASID, IOVA).code()).isEqualTo(0x71);
            rig.memory.storeRelease(word, rig.memory.loadAcquire(word) & ~1);
            rig.invalidateAll();
            assertThat(rig.read(PASID, IOVA).isDone()).isFalse();
            assertThat(rig.rig.registers.read32(Rig.FSTS)).isZero();
        }
    }
}
