package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every reason of legacy mode, made by the tables that it stands for, and how it is recorded. */
class FaultTest {

    private static final long IOVA = 0x1234_5000L;

    @Test
    void rootEntries() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            expectAfterRoot(rig, 0, 0, FaultReason.ROOT_NOT_PRESENT);
            expectAfterRoot(rig, rig.contextTable, -1, FaultReason.ROOT_NOT_PRESENT);
            expectAfterRoot(rig, rig.contextTable | 3, 0, FaultReason.ROOT_RESERVED);
            expectAfterRoot(rig, rig.contextTable | 1, 1, FaultReason.ROOT_RESERVED);
            expectAfterRoot(rig, 1L << 46 | 1, 0, FaultReason.ROOT_RESERVED);
            expectAfterRoot(rig, 1L << 40 | 1, 0, FaultReason.CONTEXT_ACCESS);
            rig.registers.write64(Rig.RTADDR, 1L << 40);
            rig.registers.write32(Rig.GCMD, Rig.TE | Rig.QIE | Rig.SRTP);
            rig.invalidateContexts();
            expect(rig, FaultReason.ROOT_ACCESS);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "not present, 0x0, 0x502, 2",
        "width of no kind, 0x1, 0x500, 3",
        "width that is not supported, 0x1, 0x503, 3",
        "for device TLBs, 0x5, 0x502, 3",
        "type of no kind, 0xd, 0x502, 3",
        "reserved bit 4, 0x11, 0x502, 0xb",
        "reserved bit 11, 0x801, 0x502, 0xb",
        "address too wide, 0x400000000001, 0x502, 0xb",
        "reserved bit 7 of the high word, 0x1, 0x582, 0xb",
        "reserved bit 24 of the high word, 0x1, 0x1000502, 0xb",
        "domain id too large, 0x1, 0x100502, 0xb",
        "tables beyond memory, 0x10000000001, 0x502, 7",
        "ignored bits of the high word, 0x1, 0x57a, 6"
    })
    void contextEntries(String what, String low, String high, String reason) {
        try (Rig rig = new Rig(Rig.options().addressWidths(39, 48).domainIdBits(12))) {
            long word = Long.decode(low);
            rig.context(word >>> 12 == 0 ? word | rig.page() : word, Long.decode(high));
            rig.enable();
            expect(rig, Integer.decode(reason));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "39, 0x8000000000",
        "48, 0x1000000000000",
        "57, 0x200000000000000",
        "39, 0x8000000000000000",
        "57, 0xfffffffffffff000"
    })
    void beyondTheWidth(int width, String iova) {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(width);
            long address = Long.parseUnsignedLong(iova.substring(2), 16);
            assertThat(rig.read(address).code()).isEqualTo(FaultReason.BEYOND_WIDTH);
            assertThat(rig.registers.read64(rig.record(0))).isEqualTo(address);
        }
    }

    @Test
    void aWidthBeyondThatOfTheUnitDoesNotCount() {
        try (Rig rig = new Rig(Rig.options().addressWidths(39))) {
            rig.attach(39);
            assertThat(rig.read((1L << 39) - 8).code()).isEqualTo(FaultReason.NO_READ);
            assertThat(rig.read(1L << 39).code()).isEqualTo(FaultReason.BEYOND_WIDTH);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x1000, 0x1, 0x0, 6, 5",
        "0x1000, 0x1, 0x1, 0, 5",
        "0x1000, 0x1, 0x2, 6, 0",
        "0x1000, 0x1, 0x800, 6, 5",
        "0x1000, 0x1, 0x803, 0xc, 0xc",
        "0x1000, 0x1, 0x4000000000000003, 0xc, 0xc",
        "0x1000, 0x1, 0x400000000003, 0xc, 0xc",
        "0x1000, 0x1, 0xbff0000000000403, 0, 0",
        "0x1000, 0x1, 0x7b, 0, 0",
        "0x200000, 0x0, 0x1003, 0xc, 0xc",
        "0x200000, 0x0, 0x803, 0xc, 0xc",
        "0x40000000, 0x0, 0x200003, 0xc, 0xc"
    })
    void leaves(String size, String ignored, String flags, String read, String write) {
        try (Rig rig = new Rig(Rig.options().memory(2L << 30))) {
            long root = rig.attach(48);
            long bits = Long.parseUnsignedLong(flags.substring(2), 16);
            rig.map(root, 48, IOVA & -Long.decode(size), 0, Long.decode(size), bits);
            assertThat(rig.read(IOVA).code()).isEqualTo(Integer.decode(read));
            rig.invalidateAll();
            assertThat(rig.write(IOVA, 1).code()).isEqualTo(Integer.decode(write));
        }
    }

    @Test
    void snoopBitsAreLegalInLeavesWhereTheUnitControlsIt() {
        try (Rig rig = new Rig(Rig.options().snoopControl(true))) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW | 1 << 11);
            rig.word(IOVA);
            long entry = Rig.entry(root, IOVA, 3);
            rig.memory.storeRelease(entry, rig.memory.loadAcquire(entry) | 1 << 11);
            rig.invalidateAll();
            expect(rig, FaultReason.TABLE_RESERVED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void tables(int level) {
        try (Rig rig = new Rig(Rig.options().pageSizes(Rig.KIB4))) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            long table = root;
            for (int i = 3; i > level; i--) {
                table = rig.memory.loadAcquire(Rig.entry(table, IOVA, i)) & -4096;
            }
            long entry = Rig.entry(table, IOVA, level);
            long good = rig.memory.loadAcquire(entry);
            for (long bad : new long[] {1L << 7, 1L << 11, 1L << 50, 1L << 62}) {
                expectAfter(rig, entry, good | bad, FaultReason.TABLE_RESERVED);
            }
            expectAfter(rig, entry, 1L << 40 | Rig.RW, FaultReason.TABLE_ACCESS);
            expectAfter(rig, entry, good & ~3, FaultReason.NO_READ);
            expectAfter(rig, entry, good & ~1, FaultReason.NO_READ);
            expectAfter(rig, entry, good & ~2, 0);
            assertThat(rig.write(IOVA, 1).code()).isEqualTo(FaultReason.NO_WRITE);
            rig.clear(0);
        }
    }

    @Test
    void theInterruptRangeAsAResult() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0, 3 * Rig.GIB1, Rig.GIB1, Rig.RW);
            assertThat(rig.read(0x3ee00000).code()).isEqualTo(FaultReason.INTERRUPT_RANGE);
            assertThat(rig.write(0x3eeffff8, 1).code()).isEqualTo(FaultReason.INTERRUPT_RANGE);
            /* A leaf that merely covers the range is legal; here there is no memory behind it. */
            assertThat(rig.read(0x3edffff8).code()).isZero();
            assertThat(rig.read(0x3ef00000).code()).isZero();
            assertThat(rig.reason(2)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void requestsOfDeviceTlbs(int type) {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            BusMaster device = (BusMaster) rig.device;
            int code =
                    type == 1
                            ? device.ask(IOVA, Translation.WRITE).fault()
                            : device.sendTranslated(0x5000, true).code();
            assertThat(code).isEqualTo(FaultReason.TRANSLATION_TYPE);
            assertThat(rig.registers.read64(rig.record(0) + 8) >>> 60 & 3).isEqualTo(type);
        }
    }

    @Test
    void aRecordSaysWhoWhereAndWhy() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.read(IOVA + 0x128);
            long high = 1L << 63 | 1L << 62 | 6L << 32 | rig.device.source().requester();
            assertThat(rig.registers.read64(rig.record(0))).isEqualTo(IOVA);
            assertThat(rig.registers.read64(rig.record(0) + 8)).isEqualTo(high);
            rig.write(IOVA + 0x1128, 1);
            high = 1L << 63 | 5L << 32 | rig.device.source().requester();
            assertThat(rig.registers.read64(rig.record(1))).isEqualTo(IOVA + 0x1000);
            assertThat(rig.registers.read64(rig.record(1) + 8)).isEqualTo(high);
        }
    }

    @Test
    void recordsAreTakenInTurnAndOverflowIsSaid() {
        try (Rig rig = new Rig(Rig.options().faultRecords(2))) {
            rig.attach(48);
            rig.read(IOVA);
            rig.read(IOVA);
            assertThat(rig.registers.read32(Rig.FSTS)).isEqualTo(1 << 1);
            rig.clear(0);
            assertThat(rig.registers.read32(Rig.FSTS) & 2).isEqualTo(2);
            rig.read(IOVA + 0x1000);
            rig.read(IOVA + 0x2000);
            assertThat(rig.registers.read32(Rig.FSTS) & 3).as("PFO, PPF").isEqualTo(3);
            rig.clear(0);
            rig.clear(1);
            rig.read(IOVA + 0x3000);
            assertThat(rig.registers.read32(Rig.FSTS)).as("lost until PFO is cleared").isEqualTo(1);
            rig.registers.write32(Rig.FSTS, 1);
            assertThat(rig.registers.read32(Rig.FSTS)).isZero();
            rig.read(IOVA + 0x4000);
            assertThat(rig.registers.read32(Rig.FSTS)).as("FRI 1").isEqualTo(1 << 8 | 2);
            assertThat(rig.registers.read64(rig.record(1))).isEqualTo(IOVA + 0x4000);
        }
    }

    @Test
    void aRecordIsClearedByItsLastBitOnly() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.read(IOVA);
            rig.registers.write64(rig.record(0), -1);
            rig.registers.write32(rig.record(0) + 8, -1);
            rig.registers.write32(rig.record(0) + 12, 0x7fff_ffff);
            assertThat(rig.reason(0)).isEqualTo(6);
            rig.registers.write64(rig.record(0) + 8, 1L << 63);
            assertThat(rig.reason(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"0x2, 0x502", "0x3, 0x502", "0x3, 0x503", "0x13, 0x502"})
    void faultsThatNobodyWantsToHearOfAreNotRecorded(String low, String high) {
        try (Rig rig = new Rig(Rig.options().addressWidths(48))) {
            rig.context(Long.decode(low) | rig.page(), Long.decode(high));
            rig.enable();
            assertThat(rig.read(IOVA).isDone()).isFalse();
            assertThat(rig.registers.read32(Rig.FSTS)).isZero();
        }
    }

    private static void expectAfterRoot(Rig rig, long low, long high, int reason) {
        rig.memory.storeRelease(rig.rootTable + 8, high);
        rig.memory.storeRelease(rig.rootTable, low);
        rig.invalidateContexts();
        expect(rig, reason);
    }

    private static void expectAfter(Rig rig, long entry, long value, int reason) {
        rig.memory.storeRelease(entry, value);
        rig.invalidateAll();
        if (reason == 0) {
            assertThat(rig.read(IOVA).isDone()).isTrue();
        } else {
            expect(rig, reason);
        }
    }

    /* A device is told, and a record is written. */
    private static void expect(Rig rig, int reason) {
        assertThat(rig.read(IOVA).code()).isEqualTo(reason);
        int index = rig.registers.read32(Rig.FSTS) >>> 8 & 0xff;
        assertThat(rig.reason(index)).isEqualTo(reason);
        rig.clear(index);
    }
}
