package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.machine.MmioRegion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What registers say, and what writing them does. */
class RegistersTest {

    @Test
    void capabilitiesSayWhatTheOptionsSay() {
        EmulatorOptions options =
                Rig.options()
                        .addressWidths(48, 39)
                        .pageSizes(1L << 12 | 1L << 21)
                        .domainIdBits(8)
                        .cachingMode(true)
                        .writeBufferFlush(true)
                        .maxAddressMask(9)
                        .faultRecords(3)
                        .snoopControl(true)
                        .coherent(false);
        try (Rig rig = new Rig(options)) {
            long cap = rig.registers.read64(Rig.CAP);
            assertThat(cap & 7).as("ND").isEqualTo(2);
            assertThat(cap >>> 4 & 1).as("RWBF").isEqualTo(1);
            assertThat(cap >>> 7 & 1).as("CM").isEqualTo(1);
            assertThat(cap >>> 8 & 0x1f).as("SAGAW").isEqualTo(0b0110);
            assertThat(cap >>> 16 & 0x3f).as("MGAW").isEqualTo(47);
            assertThat(cap >>> 34 & 0xf).as("SSLPS").isEqualTo(1);
            assertThat(cap >>> 39 & 1).as("PSI").isEqualTo(1);
            assertThat(cap >>> 40 & 0xff).as("NFR").isEqualTo(2);
            assertThat(cap >>> 48 & 0x3f).as("MAMV").isEqualTo(9);
            assertThat(cap >>> 54 & 3).as("DWD, DRD").isEqualTo(3);
            assertThat(cap & (3L << 5 | 1L << 3 | 1L << 62 | 1L << 63)).isZero();
            long ecap = rig.registers.read64(Rig.ECAP);
            assertThat(ecap & 1).as("C").isZero();
            assertThat(ecap >>> 1 & 1).as("QI").isEqualTo(1);
            assertThat(ecap >>> 2 & 7).as("DT, IR, EIM").isZero();
            assertThat(ecap >>> 6 & 3).as("PT, SC").isEqualTo(3);
            assertThat(ecap >>> 18).as("scalable mode and what else is not there").isZero();
            assertThat(rig.registers.read32(Rig.VER)).isEqualTo(0x10);
        }
    }

    @Test
    void scalableModeIsSaid() {
        long usual = extended(Rig.options().scalable(true));
        assertThat(usual >>> 43 & 1).as("SMTS").isEqualTo(1);
        assertThat(usual >>> 45 & 0b11111).as("SSADS, SSTS, FSTS, SMPWC, RPS").isEqualTo(0b11111);
        assertThat(usual >>> 40 & 1).as("PASID").isEqualTo(1);
        assertThat(usual >>> 35 & 0x1f).as("PSS").isEqualTo(19);
        assertThat(usual >>> 26 & 1).as("NEST").isZero();
        assertThat(usual & (1 << 2 | 1 << 29)).as("DT, PRS").isZero();
        long other =
                extended(
                        Rig.options()
                                .scalable(true)
                                .firstStage(false)
                                .coherent(false)
                                .pasidBits(8)
                                .pageRequests(true));
        assertThat(other >>> 45 & 0b11111).as("SSADS, SSTS, FSTS, SMPWC, RPS").isEqualTo(0b10010);
        assertThat(other >>> 35 & 0x1f).as("PSS").isEqualTo(7);
        assertThat(other & (1 << 2 | 1 << 29)).as("DT, PRS").isEqualTo(1 << 2 | 1 << 29);
        long apart =
                extended(Rig.options().scalable(true).secondStage(false).pageWalkCoherent(false));
        assertThat(apart >>> 45 & 0b11111).as("SSADS, SSTS, FSTS, SMPWC, RPS").isEqualTo(0b10100);
    }

    @Test
    void theSizesOfFirstStageAreSaid() {
        assertThat(capability(Rig.options()) >>> 56).isZero();
        assertThat(capability(Rig.options().scalable(true)) >>> 56)
                .as("FS1GP, FS5LP")
                .isEqualTo(0b10001);
        assertThat(capability(Rig.options().scalable(true).addressWidths(48)) >>> 56).isEqualTo(1);
        assertThat(capability(Rig.options().scalable(true).pageSizes(Rig.KIB4)) >>> 56)
                .isEqualTo(0b10000);
    }

    private static long extended(EmulatorOptions options) {
        try (Rig rig = new Rig(options)) {
            return rig.registers.read64(Rig.ECAP);
        }
    }

    private static long capability(EmulatorOptions options) {
        try (Rig rig = new Rig(options)) {
            return rig.registers.read64(Rig.CAP);
        }
    }

    @Test
    void noPageSelectiveInvalidationMeansNoMask() {
        try (Rig rig = new Rig(Rig.options().pageSelective(false).drains(false))) {
            long cap = rig.registers.read64(Rig.CAP);
            assertThat(cap >>> 39 & 1).isZero();
            assertThat(cap >>> 48).isZero();
        }
    }

    @Test
    void everyRegisterReadsAlikeInHalves() {
        try (Rig rig = new Rig(Rig.options())) {
            MmioRegion registers = rig.registers;
            rig.attach(48);
            rig.read(0x123000);
            for (long offset = 0; offset < 0x1000; offset += 8) {
                long halves =
                        Integer.toUnsignedLong(registers.read32(offset))
                                | (long) registers.read32(offset + 4) << 32;
                assertThat(registers.read64(offset)).as("0x%x", offset).isEqualTo(halves);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            longs = {0x0, 0x8, 0x10, 0x30, 0x48, 0x60, 0x68, 0x80, 0xb0, 0xb8, 0xc0, 0xe0, 0xff8})
    void readOnlyAndReservedRegistersStay(long offset) {
        try (Rig rig = new Rig(Rig.options())) {
            long before = rig.registers.read64(offset);
            rig.registers.write64(offset, -1);
            assertThat(rig.registers.read64(offset)).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-8, 4, 0xffc, 0x1000})
    void registersOf64BitsAreAligned(long offset) {
        try (Rig rig = new Rig(Rig.options())) {
            assertThatThrownBy(() -> rig.registers.read64(offset))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("0x" + Long.toHexString(offset));
            assertThatThrownBy(() -> rig.registers.write64(offset, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> rig.registers.read32(offset + 2))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void theRootTableIsTakenOverByACommandOnly() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            rig.word(0x1000);
            rig.registers.write64(Rig.RTADDR, rig.page());
            rig.invalidateContexts();
            rig.invalidateAll();
            rig.word(0x1000);
            rig.registers.write32(Rig.GCMD, Rig.TE | Rig.QIE | Rig.SRTP);
            rig.invalidateContexts();
            rig.invalidateAll();
            assertThat(rig.read(0x1000).code()).isEqualTo(FaultReason.ROOT_NOT_PRESENT);
        }
    }

    @Test
    void aNewRootTableLeavesTheCachesAlone() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            rig.word(0x1000);
            rig.registers.write64(Rig.RTADDR, rig.page());
            rig.registers.write32(Rig.GCMD, Rig.TE | Rig.QIE | Rig.SRTP);
            rig.word(0x1000);
        }
    }

    @Test
    void whatIsOnGoesOffUnlessWrittenAgain() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            rig.registers.write32(Rig.GCMD, Rig.QIE);
            assertThat(rig.registers.read32(Rig.GSTS)).isEqualTo(Rig.QIE | Rig.SRTP);
            rig.registers.write32(Rig.GCMD, 0);
            assertThat(rig.registers.read32(Rig.GSTS)).isEqualTo(Rig.SRTP);
            assertThat(rig.registers.read32(Rig.GCMD)).isZero();
        }
    }

    @Test
    void ofSeveralCommandsOneIsCarriedOut() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.registers.write32(Rig.GCMD, Rig.TE | Rig.QIE | Rig.SRTP);
            assertThat(rig.registers.read32(Rig.GSTS)).isEqualTo(Rig.TE);
        }
    }

    @Test
    void theWriteBufferIsFlushedWhereThereIsOne() {
        AtomicInteger flushes = new AtomicInteger();
        WalkMemory memory =
                new WalkMemory() {
                    @Override
                    public long load(long address) {
                        return 0;
                    }

                    @Override
                    public boolean exchange(long address, long expected, long value) {
                        return false;
                    }

                    @Override
                    public void flushWriteBuffers() {
                        flushes.incrementAndGet();
                    }
                };
        TableViews views = new TableViews(memory, memory, memory);
        for (boolean hasWriteBuffer : new boolean[] {false, true}) {
            flushes.set(0);
            CommandRegister command =
                    new CommandRegister(
                            new RootPointer(false), views, hasWriteBuffer, null, () -> {});
            command.write(Rig.GCMD, Rig.WBF);
            assertThat(flushes).hasValue(hasWriteBuffer ? 1 : 0);
            assertThat(command.read(Rig.GSTS)).isZero();
        }
    }

    @Test
    void anEventThatIsMaskedStaysPending() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            assertThat(rig.registers.read32(Rig.FECTL)).isEqualTo(1 << 31);
            rig.read(0x1000);
            assertThat(rig.registers.read32(Rig.FECTL)).isEqualTo(3 << 30);
            rig.clear(0);
            assertThat(rig.registers.read32(Rig.FECTL)).isEqualTo(1 << 31);
            rig.read(0x1000);
            rig.registers.write32(Rig.FECTL, 0);
            assertThat(rig.registers.read32(Rig.FECTL)).isZero();
            rig.registers.write32(Rig.FECTL + 4, 0x12345);
            rig.registers.write32(Rig.FECTL + 8, 0xfee01003);
            rig.registers.write32(Rig.FECTL + 12, 5);
            assertThat(rig.registers.read32(Rig.FECTL + 4)).isEqualTo(0x2345);
            assertThat(rig.registers.read32(Rig.FECTL + 8)).isEqualTo(0xfee01000);
            assertThat(rig.registers.read32(Rig.FECTL + 12)).isEqualTo(5);
        }
    }
}
