package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each invalidation makes a unit forget, and what it must not touch. */
class InvalidationTest {

    private static final long IOVA = 0x8040_3000L;
    private static final long OTHER_DOMAIN = 6;

    @ParameterizedTest
    @CsvSource({
        "ORDINARY, 0x1000, 0",
        "ORDINARY, 0x200000, 9",
        "ORDINARY, 0x40000000, 18",
        "KEEPS_EVERYTHING, 0x1000, 0",
        "KEEPS_EVERYTHING, 0x200000, 9",
        "KEEPS_EVERYTHING, 0x40000000, 18"
    })
    void aTranslationLeavesOnlyWhenItLiesInsideWhatIsInvalidated(
            CacheBehaviour caches, String size, int mask) {
        try (Rig rig = new Rig(Rig.options().caches(caches))) {
            long root = rig.attach(48);
            long bytes = Long.decode(size);
            long start = IOVA & -bytes;
            long entry = rig.map(root, 48, start, 0, bytes, Rig.RW);
            List<Runnable> covering =
                    List.of(
                            () -> rig.invalidatePages(start, mask, true),
                            () -> rig.invalidatePages(start, mask, false),
                            () -> rig.invalidatePages(start, Math.min(mask + 3, 18), true),
                            () -> rig.invalidateDomain(Rig.DOMAIN),
                            rig::invalidateAll);
            for (Runnable cover : covering) {
                rig.memory.storeRelease(entry, Rig.RW | (mask > 0 ? Rig.PS : 0));
                rig.word(IOVA);
                rig.memory.storeRelease(entry, 0);
                rig.word(IOVA);
                rig.invalidateContexts();
                rig.invalidateDomain((int) OTHER_DOMAIN);
                rig.invalidatePages(start + bytes, mask, false);
                if (mask > 0) {
                    rig.invalidatePages(IOVA, mask - 1, false);
                    rig.invalidatePages(IOVA, 0, false);
                }
                rig.word(IOVA);
                cover.run();
                assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);
                rig.clear(rig.registers.read32(Rig.FSTS) >>> 8 & 0xff);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0x1000, 0", "0x200000, 9", "0x40000000, 18"})
    void whateverVanishesBeforeNothingOldIsUsedAfter(String size, int mask) {
        for (long seed = 1; seed <= 3; seed++) {
            EmulatorOptions options =
                    Rig.options().caches(CacheBehaviour.DROPS_ANYTHING).seed(seed);
            try (Rig rig = new Rig(options)) {
                long root = rig.attach(48);
                long bytes = Long.decode(size);
                long start = IOVA & -bytes;
                long entry = rig.map(root, 48, start, 0, bytes, Rig.RW);
                for (int round = 0; round < 300; round++) {
                    rig.memory.storeRelease(entry, Rig.RW | (mask > 0 ? Rig.PS : 0));
                    for (int i = 0; i < 4; i++) {
                        rig.word(start | i * 0x1000L % bytes);
                    }
                    rig.memory.storeRelease(entry, 0);
                    switch (round % 4) {
                        case 0 -> rig.invalidatePages(start, mask, true);
                        case 1 -> rig.invalidatePages(start, mask, false);
                        case 2 -> rig.invalidateDomain(Rig.DOMAIN);
                        default -> rig.invalidateAll();
                    }
                    for (int i = 0; i < 4; i++) {
                        assertThat(rig.read(start | i * 0x1000L % bytes).isDone())
                                .as("seed %d, round %d", seed, round)
                                .isFalse();
                    }
                }
            }
        }
    }

    @Test
    void aUnitThatDropsAnythingDoesSoWithoutBeingAsked() {
        try (Rig rig = new Rig(Rig.options().caches(CacheBehaviour.DROPS_ANYTHING))) {
            long root = rig.attach(48);
            long entry = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            int stale = 0;
            for (int round = 0; round < 1000; round++) {
                rig.memory.storeRelease(entry, 0x5000 | Rig.RW);
                rig.word(IOVA);
                rig.memory.storeRelease(entry, 0);
                stale += rig.read(IOVA).isDone() ? 1 : 0;
                rig.invalidateAll();
            }
            assertThat(stale).isBetween(100, 950);
        }
    }

    @Test
    void aUnitThatFetchesAheadKnowsWhatNobodyAskedFor() {
        try (Rig rig = new Rig(Rig.options().caches(CacheBehaviour.DROPS_ANYTHING))) {
            long root = rig.attach(39);
            for (long page = 0; page < 512; page++) {
                rig.map(root, 39, page << 12, page << 12, Rig.KIB4, Rig.RW);
            }
            int ahead = 0;
            for (int round = 0; round < 30; round++) {
                for (int i = 0; i < 500; i++) {
                    rig.word(0);
                    rig.invalidatePages(0, 0, true);
                }
                for (long page = 1; page < 512; page++) {
                    long entry = rig.map(root, 39, page << 12, 0, Rig.KIB4, 0);
                    ahead += rig.read(page << 12).isDone() ? 1 : 0;
                    rig.memory.storeRelease(entry, page << 12 | Rig.RW);
                }
                rig.invalidateAll();
            }
            assertThat(ahead).isPositive();
        }
    }

    @Test
    void ofTwoPageSizesEitherIsUsed() {
        for (CacheBehaviour caches :
                List.of(CacheBehaviour.KEEPS_EVERYTHING, CacheBehaviour.DROPS_ANYTHING)) {
            try (Rig rig = new Rig(Rig.options().caches(caches))) {
                long root = rig.attach(48);
                rig.memory.storeRelease(0x5000, 5);
                int large = 0;
                int small = 0;
                long start = IOVA & -Rig.MIB2;
                long entry = rig.map(root, 48, start, 0, Rig.MIB2, Rig.RW);
                for (int round = 0; round < 200; round++) {
                    rig.memory.storeRelease(entry, Rig.RW | Rig.PS);
                    rig.word(IOVA);
                    /* A table in which this page lies elsewhere: legal for no software, and so it shows
                     * which of the two sizes was used. */
                    long table = rig.page();
                    rig.memory.storeRelease(Rig.entry(table, IOVA, 0), 0x5000 | Rig.RW);
                    rig.memory.storeRelease(entry, table | Rig.RW);
                    for (int i = 0; i < 10; i++) {
                        if (rig.word(IOVA) == 5) {
                            small++;
                        } else {
                            large++;
                        }
                    }
                    rig.invalidateAll();
                }
                assertThat(large).isPositive();
                assertThat(small > 0).isEqualTo(caches == CacheBehaviour.DROPS_ANYTHING);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {18, 19, 26, 27, 35, 36, 45, 51})
    void aLargeMaskCoversEverySizeAndTheTables(int mask) {
        EmulatorOptions options =
                Rig.options().maxAddressMask(51).caches(CacheBehaviour.KEEPS_EVERYTHING);
        try (Rig rig = new Rig(options)) {
            long root = rig.attach(57);
            long inside = 0x1ff_ffff_ffff_f000L & -1L << mask + 12 | Rig.MIB2;
            long outside = inside ^ 1L << Math.min(mask + 12, 56);
            rig.map(root, 57, inside, 0x5000, Rig.KIB4, Rig.RW);
            rig.map(root, 57, outside, 0x5000, Rig.KIB4, Rig.RW);
            rig.word(inside);
            rig.word(outside);
            for (int i = 0; i < 512; i++) {
                rig.memory.storeRelease(root + i * 8L, 0);
            }
            rig.invalidatePages(inside, mask, false);
            assertThat(rig.read(inside).isDone()).isFalse();
            boolean isOutside = mask + 12 <= 56;
            assertThat(rig.read(outside).isDone()).isEqualTo(isOutside);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void contextsAreForgottenAsFarAsTheyAreNamed(int granularity) {
        try (Rig rig = new Rig(Rig.options().caches(CacheBehaviour.KEEPS_EVERYTHING))) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            long source = rig.device.source().requester();
            rig.word(IOVA);
            rig.context(0, 0);
            rig.invalidateAll();
            rig.submit(OTHER_DOMAIN << 16 | 2 << 4 | 1, 0);
            rig.submit(OTHER_DOMAIN << 16 | source << 32 | 3 << 4 | 1, 0);
            rig.submit((long) Rig.DOMAIN << 16 | source + 8 << 32 | 3 << 4 | 1, 0);
            rig.submit((long) Rig.DOMAIN << 16 | source + 1 << 32 | 3 << 4 | 1, 0);
            rig.submit((long) Rig.DOMAIN << 16 | source + 1 << 32 | 1L << 48 | 3 << 4 | 1, 0);
            rig.await();
            rig.word(IOVA);
            long domain = granularity == 1 ? 0 : (long) Rig.DOMAIN << 16;
            long named = granularity == 3 ? source << 32 : 0;
            rig.submit(named | domain | (long) granularity << 4 | 1, 0);
            rig.await();
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void whateverVanishesBeforeNoOldContextIsUsedAfter(int granularity) {
        EmulatorOptions options = Rig.options().caches(CacheBehaviour.DROPS_ANYTHING);
        try (Rig rig = new Rig(options)) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            long source = granularity == 3 ? (long) rig.device.source().requester() << 32 : 0;
            long domain = granularity == 1 ? 0 : (long) Rig.DOMAIN << 16;
            for (int round = 0; round < 1000; round++) {
                rig.context(root | 1, Rig.DOMAIN << 8 | 2);
                rig.word(IOVA);
                rig.context(0, Rig.DOMAIN << 8 | 2);
                rig.submit(source | domain | (long) granularity << 4 | 1, 0);
                rig.await();
                assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 4", "2, 6", "3, 7"})
    void aFunctionMaskNamesSeveralFunctions(int mask, int function) {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.word(IOVA);
            rig.context(0, 0);
            long source = (long) rig.device.source().requester() + function;
            long low = (long) Rig.DOMAIN << 16 | source << 32 | 3 << 4 | 1;
            rig.submit(low | (long) (mask - 1) << 48, 0);
            rig.word(IOVA);
            rig.submit(low | (long) mask << 48, 0);
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
        }
    }

    @Test
    void aSmallIotlbForgetsTheOldest() {
        try (Rig rig = new Rig(Rig.options().iotlbEntries(4))) {
            long root = rig.attach(48);
            long[] entries = new long[64];
            for (int i = 0; i < 64; i++) {
                entries[i] = rig.map(root, 48, i * Rig.KIB4, 0x5000, Rig.KIB4, Rig.RW);
                rig.word(i * Rig.KIB4);
            }
            for (long entry : entries) {
                rig.memory.storeRelease(entry, 0);
            }
            int known = 0;
            for (int i = 0; i < 64; i++) {
                known += rig.read(i * Rig.KIB4).isDone() ? 1 : 0;
            }
            assertThat(known).isBetween(1, 4);
        }
    }

    @Test
    void aTranslationThatIsTooNarrowFaultsUntilItIsForgotten() {
        try (Rig rig = new Rig(Rig.options().caches(CacheBehaviour.KEEPS_EVERYTHING))) {
            long root = rig.attach(48);
            long entry = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.READ);
            rig.word(IOVA);
            rig.memory.storeRelease(entry, 0x5000 | Rig.RW);
            assertThat(rig.write(IOVA, 1).code()).isEqualTo(FaultReason.NO_WRITE);
            rig.invalidatePages(IOVA, 0, true);
            assertThat(rig.write(IOVA, 1).isDone()).isTrue();
        }
    }
}
