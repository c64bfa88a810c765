package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.G1;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The same random sequence of calls on the emulator and on QEMU: after each step, DMA at addresses
 * of interest ends the same way on both, and as a plain model says: in data, in fault and in
 * reason.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES)
class DifferentialTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_261_123L);
    private static final long TABLES = 64 << 20;

    static Stream<Arguments> machines() {
        EmulatorOptions emulated =
                EmulatorOptions.legacy()
                        .memory(2 * G1)
                        .tableMemory(TABLES)
                        .hostAddressWidth(39)
                        .coherent(false);
        QemuOptions qemu = QemuOptions.defaults().withMemory(2 * G1).withTableMemory(TABLES);
        return Stream.of(
                Arguments.of(
                        "48 bits", 4000, emulated.addressWidths(39, 48).hostAddressWidth(48), qemu),
                Arguments.of(
                        "39 bits, caching mode",
                        2000,
                        emulated.addressWidths(39).cachingMode(true),
                        qemu.withAddressWidth(39).withUnit(true, false, TranslationMode.LEGACY)),
                Arguments.of(
                        "scalable mode, second stage",
                        1500,
                        emulated.addressWidths(39, 48)
                                .hostAddressWidth(48)
                                .scalable(true)
                                .firstStage(false)
                                .pageWalkCoherent(false),
                        qemu.withUnit(false, false, TranslationMode.SCALABLE_SECOND)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("machines")
    void M1_bothMachinesAgreeAfterEveryStep(
            String name, int usual, EmulatorOptions emulated, QemuOptions qemu) {
        int steps = LONG ? 50 * usual : usual;
        long begin = System.nanoTime();
        try (Twin emulator = new Twin("emulator", false, EmulatedMachine.create(emulated));
                Twin judge = new Twin("QEMU", true, Qemu.start(qemu))) {
            RandomSequence sequence = new RandomSequence(SEED, List.of(emulator, judge));
            for (int step = 0; step < steps; step++) {
                sequence.step(step);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            System.out.printf(
                    "%s: %,d steps, %,d DMAs on each machine (%,d blocked, %,d of them not recorded by"
                            + " QEMU) in %.1f s; emulator %,.0f"
                            + " DMAs/s, QEMU %,.0f DMAs/s; seed %d%n",
                    name,
                    steps,
                    sequence.dmas(),
                    sequence.blocked(),
                    sequence.silences(),
                    seconds,
                    emulator.dmasPerSecond(),
                    judge.dmasPerSecond(),
                    SEED);
            assertThat(sequence.blocked()).isBetween(sequence.dmas() / 10, sequence.dmas());
        }
    }
}
