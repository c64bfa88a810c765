package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.DmaOutcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a DMA moves, and where. */
class TranslatedDmaTest {

    private static final long DOMAIN_OF_39 = Rig.DOMAIN << 8 | 1;

    @ParameterizedTest
    @CsvSource({
        "39, 0x1000, 0x7ffffff000",
        "48, 0x1000, 0xfffffffff000",
        "57, 0x1000, 0x1fffffffffff000",
        "39, 0x200000, 0x200000",
        "48, 0x200000, 0x200000",
        "39, 0x40000000, 0x40000000",
        "57, 0x40000000, 0x40000000"
    })
    void everyWidthAndPageSizeIsFollowed(int width, String size, String iova) {
        try (Rig rig = new Rig(Rig.options().memory(2L << 30))) {
            long root = rig.attach(width);
            long address = Long.decode(iova);
            rig.map(root, width, address, Rig.GIB1, Long.decode(size), Rig.RW);
            rig.memory.storeRelease(Rig.GIB1 + 0xff8, 42);
            assertThat(rig.word(address + 0xff8)).isEqualTo(42);
            rig.write(address + 0x10, 43);
            assertThat(rig.memory.loadAcquire(Rig.GIB1 + 0x10)).isEqualTo(43);
            long last = address + Long.decode(size) - 8;
            rig.write(last, 44);
            assertThat(rig.memory.loadAcquire(Rig.GIB1 + Long.decode(size) - 8)).isEqualTo(44);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bytesOfAnyNumberAndPlaceAreMoved(boolean direct) {
        long seed = 20261123;
        Random random = new Random(seed);
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(39);
            for (int i = 0; i < 4; i++) {
                rig.map(root, 39, i * Rig.KIB4, 0x100000 + 2L * i * Rig.KIB4, Rig.KIB4, Rig.RW);
            }
            byte[] expected = new byte[4 * 4096];
            for (int round = 0; round < 3000; round++) {
                int from = random.nextInt(expected.length);
                int count = random.nextInt(Math.min(expected.length - from, 200) + 1);
                ByteBuffer bytes =
                        direct ? ByteBuffer.allocateDirect(300) : ByteBuffer.allocate(300);
                bytes.order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
                int position = random.nextInt(100);
                for (int i = 0; i < count; i++) {
                    expected[from + i] = (byte) random.nextInt();
                    bytes.put(position + i, expected[from + i]);
                }
                bytes.limit(position + count).position(position);
                assertThat(rig.device.write(from, bytes)).isEqualTo(DmaOutcome.DONE);
                assertThat(bytes.position()).isEqualTo(position + count);
                int readFrom = random.nextInt(expected.length);
                int readCount = random.nextInt(expected.length - readFrom + 1);
                ByteBuffer target = ByteBuffer.allocate(readCount);
                assertThat(rig.device.read(readFrom, target)).isEqualTo(DmaOutcome.DONE);
                assertThat(target.hasRemaining()).isFalse();
                assertThat(target.array())
                        .as("seed %d, round %d", seed, round)
                        .containsExactly(
                                Arrays.copyOfRange(expected, readFrom, readFrom + readCount));
            }
        }
    }

    @Test
    void aDmaThatIsBlockedHalfwaySaysHowFarItCame() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            ByteBuffer target = ByteBuffer.allocate(0x1800);
            DmaOutcome outcome = rig.device.read(0x1800, target);
            assertThat(outcome).isEqualTo(DmaOutcome.blocked(0x2000, FaultReason.NO_READ));
            assertThat(target.position()).isEqualTo(0x800);
        }
    }

    @Test
    void anAtomicAddNeedsBothRights() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            rig.map(root, 48, 0x2000, 0x6000, Rig.KIB4, Rig.READ);
            rig.map(root, 48, 0x3000, 0x7000, Rig.KIB4, Rig.WRITE);
            rig.memory.storeRelease(0x5008, 40);
            ByteBuffer old = ByteBuffer.allocate(8);
            assertThat(rig.device.fetchAndAdd(0x1008, 2, old)).isEqualTo(DmaOutcome.DONE);
            assertThat(old.getLong(0)).isEqualTo(40);
            assertThat(rig.memory.loadAcquire(0x5008)).isEqualTo(42);
            ByteBuffer kept = ByteBuffer.allocate(8);
            assertThat(rig.device.fetchAndAdd(0x2000, 2, kept).code())
                    .isEqualTo(FaultReason.NO_WRITE);
            assertThat(rig.device.fetchAndAdd(0x3000, 2, kept).code())
                    .isEqualTo(FaultReason.NO_READ);
            assertThat(kept.position()).isZero();
            assertThatThrownBy(() -> rig.device.fetchAndAdd(0x1004, 1, kept))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0x1004");
            assertThatThrownBy(() -> rig.device.fetchAndAdd(0x1000, 1, ByteBuffer.allocate(7)))
                    .isInstanceOf(BufferOverflowException.class);
        }
    }

    @Test
    void writingPartOfAWordLosesNothingOfItsNeighbour() throws InterruptedException {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            Thread other =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 1; i <= 50_000; i++) {
                                    writeInt(rig, 0x1004, i);
                                }
                            });
            for (int i = 1; i <= 50_000; i++) {
                writeInt(rig, 0x1000, i);
                assertThat((int) rig.memory.loadAcquire(0x5000)).isEqualTo(i);
            }
            other.join();
            assertThat(rig.memory.loadAcquire(0x5000)).isEqualTo(50_000L << 32 | 50_000);
        }
    }

    @Test
    void withoutTranslationAddressesArePhysical() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.write(0x4000, 7);
            assertThat(rig.memory.loadAcquire(0x4000)).isEqualTo(7);
            assertThat(rig.read(64 << 20))
                    .isEqualTo(DmaOutcome.blocked(64 << 20, DmaOutcome.UNKNOWN));
            assertThat(rig.read(-8)).isEqualTo(DmaOutcome.blocked(-8, DmaOutcome.UNKNOWN));
        }
    }

    @Test
    void passThroughIsUpToTheWidth() {
        try (Rig rig = new Rig(Rig.options())) {
            rig.context(2 << 2 | 1, DOMAIN_OF_39);
            rig.enable();
            rig.write(0x4000, 7);
            assertThat(rig.memory.loadAcquire(0x4000)).isEqualTo(7);
            assertThat(rig.read(1L << 39).code()).isEqualTo(FaultReason.BEYOND_WIDTH);
        }
    }

    @Test
    void theInterruptRangeIsNoMemory() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, 0xfee00000L, 0x5000, Rig.KIB4, Rig.RW);
            assertThat(rig.write(0xfee00000L, 1))
                    .isEqualTo(DmaOutcome.blocked(0xfee00000L, DmaOutcome.UNKNOWN));
            assertThat(rig.memory.loadAcquire(0x5000)).isZero();
            assertThat(rig.registers.read32(Rig.FSTS)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(CacheBehaviour.class)
    void severalUnitsHaveTheirOwnTables(CacheBehaviour caches) {
        EmulatorOptions options = Rig.options().units(2).devices(3).caches(caches);
        try (Rig first = new Rig(options)) {
            var second = first.machine.remappingUnits().get(1);
            assertThat(second.registers().address()).isEqualTo(0xfed91000L);
            assertThat(first.machine.devices())
                    .extracting(device -> device.source().toString())
                    .containsExactly("0000:00:01.0", "0000:01:01.0", "0000:00:02.0");
            long root = first.attach(48);
            first.map(root, 48, 0x1000, 0x5000, Rig.KIB4, Rig.RW);
            first.memory.storeRelease(0x5000, 9);
            assertThat(first.word(0x1000)).isEqualTo(9);
            var other = first.machine.devices().get(1);
            assertThat(second.covers(other.source())).isTrue();
            assertThat(first.machine.remappingUnits().getFirst().covers(other.source())).isFalse();
            /* The second unit does not translate yet, so this is the physical address. */
            assertThat(byteAt(other, 0x5000)).isEqualTo(9);
            long rootTable = first.page();
            long contextTable = first.page();
            long otherRoot = first.page();
            long context = contextTable + other.source().requester() % 256 * 16L;
            first.memory.storeRelease(rootTable + 16, contextTable | 1);
            first.memory.storeRelease(context + 8, Rig.DOMAIN << 8 | 2);
            first.memory.storeRelease(context, otherRoot | 1);
            first.map(otherRoot, 48, 0x1000, 0x6000, Rig.KIB4, Rig.RW);
            first.memory.storeRelease(0x6000, 8);
            second.registers().write64(Rig.RTADDR, rootTable);
            second.registers().write32(Rig.GCMD, Rig.SRTP);
            second.registers().write32(Rig.GCMD, Rig.TE);
            /* The same domain id and address, in each unit's caches by itself. */
            assertThat(byteAt(other, 0x1000)).isEqualTo(8);
            assertThat(first.word(0x1000)).isEqualTo(9);
            other.read(0x9000, ByteBuffer.allocate(8));
            assertThat(first.registers.read32(Rig.FSTS)).isZero();
            assertThat(second.registers().read32(Rig.FSTS)).isEqualTo(1 << 1);
        }
    }

    private static int byteAt(Device device, long iova) {
        ByteBuffer target = ByteBuffer.allocate(1);
        assertThat(device.read(iova, target)).isEqualTo(DmaOutcome.DONE);
        return target.get(0);
    }

    private static void writeInt(Rig rig, long iova, int value) {
        ByteBuffer data = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        rig.device.write(iova, data.putInt(value).flip());
    }
}
