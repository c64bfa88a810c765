package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.ScalableRig.DOMAIN;
import static org.iommu4j.emulator.ScalableRig.IOVA;
import static org.iommu4j.emulator.ScalableRig.USER_RW;
import static org.iommu4j.machine.SourceId.NO_PASID;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each invalidation of scalable mode makes a unit forget, and what it must not touch. */
class ScalableInvalidationTest {

    private static final int PASID = 9;
    private static final int OTHER_PASID = 10;
    private static final int OTHER_DOMAIN = 6;
    private static final int LEVELS = 4;

    private static EmulatorOptions keeping() {
        return ScalableRig.options().caches(CacheBehaviour.KEEPS_EVERYTHING);
    }

    /** Who has the page that a test looks at. */
    enum Kind {
        FIRST(true),
        SECOND(false),
        PASS_THROUGH(true);

        private final boolean byPasid;

        Kind(boolean byPasid) {
            this.byPasid = byPasid;
        }

        /** Makes it reach 5 at IOVA, and returns how that is taken away in memory. */
        private Runnable prepare(ScalableRig rig, int pasid, int domain) {
            rig.memory.storeRelease(0x5000, 5);
            return switch (this) {
                case FIRST -> {
                    long root = rig.firstStage(pasid, domain, LEVELS);
                    long leaf = rig.mapFirst(root, LEVELS, IOVA, 0x5000, Rig.KIB4, USER_RW);
                    yield () -> rig.memory.storeRelease(leaf, 0);
                }
                case SECOND -> {
                    long root = rig.secondStage(pasid, domain, 48, false);
                    long leaf = rig.mapSecond(root, LEVELS, IOVA, 0x5000, Rig.KIB4, Rig.RW);
                    yield () -> rig.memory.storeRelease(leaf, 0);
                }
                case PASS_THROUGH -> {
                    rig.passThrough(pasid, domain);
                    yield () -> {
                        rig.firstStage(pasid, domain, LEVELS);
                        rig.invalidatePasid(domain, pasid);
                    };
                }
            };
        }

        private long iova() {
            return this == PASS_THROUGH ? 0x5000 : IOVA;
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aTranslationLeavesByTheInvalidationOfItsKindOnly(Kind kind) {
        for (int i = 0; i < 6; i++) {
            try (ScalableRig rig = new ScalableRig(keeping())) {
                rig.enable();
                Runnable takeAway = kind.prepare(rig, PASID, DOMAIN);
                long iova = kind.iova();
                assertThat(rig.word(PASID, iova)).isEqualTo(5);
                takeAway.run();
                for (Consumer<ScalableRig> other : others(kind, iova)) {
                    other.accept(rig);
                    assertThat(rig.word(PASID, iova)).isEqualTo(5);
                }
                List<Consumer<ScalableRig>> covering = covering(kind, iova);
                covering.get(i % covering.size()).accept(rig);
                assertThat(rig.read(PASID, iova).isDone()).as("%s %d", kind, i).isFalse();
            }
        }
    }

    private static List<Consumer<ScalableRig>> covering(Kind kind, long iova) {
        return kind.byPasid
                ? List.of(
                        rig -> rig.invalidatePasidIotlb(DOMAIN, PASID),
                        rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova, 0, true),
                        rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova, 0, false),
                        rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova & -0x200000, 9, true),
                        ScalableRig::invalidateIotlb)
                : List.of(
                        rig -> rig.invalidateDomain(DOMAIN),
                        rig -> rig.invalidatePages(DOMAIN, iova, 0, true),
                        rig -> rig.invalidatePages(DOMAIN, iova, 0, false),
                        rig -> rig.invalidatePages(DOMAIN, iova & -0x200000, 9, true),
                        ScalableRig::invalidateIotlb);
    }

    private static List<Consumer<ScalableRig>> others(Kind kind, long iova) {
        List<Consumer<ScalableRig>> everywhere =
                List.of(
                        ScalableRig::invalidateContexts,
                        ScalableRig::invalidatePasids,
                        rig -> rig.invalidatePasids(DOMAIN),
                        rig -> rig.invalidatePasidIotlb(DOMAIN, OTHER_PASID),
                        rig -> rig.invalidatePasidIotlb(OTHER_DOMAIN, PASID),
                        rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova ^ 0x1000, 0, false),
                        rig -> rig.invalidatePasidPages(DOMAIN, OTHER_PASID, iova, 9, false),
                        rig -> rig.invalidateDomain(OTHER_DOMAIN),
                        rig -> rig.invalidatePages(DOMAIN, iova ^ 0x1000, 0, false));
        List<Consumer<ScalableRig>> wrongKind =
                kind.byPasid
                        ? List.of(
                                rig -> rig.invalidateDomain(DOMAIN),
                                rig -> rig.invalidatePages(DOMAIN, iova, 0, false),
                                rig -> rig.invalidatePages(DOMAIN, iova, 18, false))
                        : List.of(
                                rig -> rig.invalidatePasidIotlb(DOMAIN, PASID),
                                rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova, 0, false),
                                rig -> rig.invalidatePasidPages(DOMAIN, PASID, iova, 18, false));
        return Stream.concat(everywhere.stream(), wrongKind.stream()).toList();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whateverVanishesBeforeNothingOldIsUsedAfter(Kind kind) {
        for (long seed = 1; seed <= 3; seed++) {
            EmulatorOptions options =
                    ScalableRig.options().caches(CacheBehaviour.DROPS_ANYTHING).seed(seed);
            for (int i = 0; i < 5; i++) {
                try (ScalableRig rig = new ScalableRig(options)) {
                    rig.enable();
                    Runnable takeAway = kind.prepare(rig, PASID, DOMAIN);
                    long iova = kind.iova();
                    for (int reads = 0; reads < 10; reads++) {
                        assertThat(rig.word(PASID, iova)).isEqualTo(5);
                    }
                    takeAway.run();
                    covering(kind, iova).get(i).accept(rig);
                    for (int reads = 0; reads < 10; reads++) {
                        assertThat(rig.read(PASID, iova).isDone())
                                .as("seed %d, %s %d", seed, kind, i)
                                .isFalse();
                    }
                }
            }
        }
    }

    /** Page tables of either kind: the table of the last level is exchanged for another. */
    @ParameterizedTest
    @CsvSource({"true, 1", "true, 2", "true, 3", "false, 1", "false, 2", "false, 3"})
    void aTableIsRememberedByItsKindToo(boolean first, int level) {
        try (ScalableRig rig = new ScalableRig(keeping())) {
            rig.enable();
            rig.memory.storeRelease(0x5000, 5);
            rig.memory.storeRelease(0x6000, 6);
            long root = tables(rig, first, PASID, 0x5000);
            assertThat(rig.word(PASID, IOVA)).isEqualTo(5);
            long other = tables(rig, first, 20, 0x6000);
            rig.memory.storeRelease(
                    rig.entryOf(root, LEVELS, IOVA, level),
                    rig.memory.loadAcquire(rig.entryOf(other, LEVELS, IOVA, level)));
            if (first) {
                rig.invalidatePages(DOMAIN, IOVA, 18, false);
                rig.invalidateDomain(DOMAIN);
                rig.invalidatePasidPages(DOMAIN, OTHER_PASID, IOVA, 0, false);
                rig.invalidatePasidPages(DOMAIN, PASID, IOVA, 18, true);
            } else {
                rig.invalidatePasidPages(DOMAIN, PASID, IOVA, 18, false);
                rig.invalidatePasidIotlb(DOMAIN, PASID);
                rig.invalidatePages(DOMAIN, IOVA, 18, true);
            }
            assertThat(rig.word(PASID, IOVA)).isEqualTo(5);
            if (first) {
                rig.invalidatePasidPages(DOMAIN, PASID, IOVA, 0, false);
            } else {
                rig.invalidatePages(DOMAIN, IOVA, 0, false);
            }
            assertThat(rig.word(PASID, IOVA)).isEqualTo(6);
        }
    }

    private static long tables(ScalableRig rig, boolean first, int pasid, long physical) {
        if (first) {
            long root = rig.firstStage(pasid, DOMAIN, LEVELS);
            rig.mapFirst(root, LEVELS, IOVA, physical, Rig.KIB4, USER_RW);
            return root;
        }
        long root = rig.secondStage(pasid, DOMAIN, 48, false);
        rig.mapSecond(root, LEVELS, IOVA, physical, Rig.KIB4, Rig.RW);
        return root;
    }

    @Test
    void pasidsOfOneDomainShareSecondStageAndNotFirstStage() {
        try (ScalableRig rig = new ScalableRig(keeping())) {
            rig.enable();
            rig.memory.storeRelease(0x5000, 5);
            rig.memory.storeRelease(0x6000, 6);
            tables(rig, true, PASID, 0x5000);
            tables(rig, true, OTHER_PASID, 0x6000);
            assertThat(rig.word(PASID, IOVA)).isEqualTo(5);
            assertThat(rig.word(OTHER_PASID, IOVA)).isEqualTo(6);
            assertThat(rig.word(PASID, IOVA)).isEqualTo(5);
            tables(rig, false, 20, 0x5000);
            tables(rig, false, 21, 0x6000);
            assertThat(rig.word(20, IOVA)).isEqualTo(5);
            assertThat(rig.word(21, IOVA)).as("one id, one set of tables").isEqualTo(5);
        }
    }

    @Test
    void requestsWithoutAPasidAreThoseOfRidPasid() {
        try (ScalableRig rig = new ScalableRig(keeping())) {
            rig.enable();
            rig.memory.storeRelease(0x5000, 5);
            rig.memory.storeRelease(0x6000, 6);
            tables(rig, true, PASID, 0x5000);
            tables(rig, true, 0, 0x6000);
            rig.context(rig.directory | 1 << 3 | 1, PASID);
            assertThat(rig.word(NO_PASID, IOVA)).isEqualTo(5);
            rig.context(rig.directory | 1 << 3 | 1, 0);
            assertThat(rig.word(NO_PASID, IOVA)).as("cached").isEqualTo(5);
            rig.invalidateDevice(0);
            assertThat(rig.word(NO_PASID, IOVA)).isEqualTo(6);
            assertThat(rig.word(0, IOVA)).isEqualTo(6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {NO_PASID, PASID})
    void anEntryOfThePasidTableLeavesByThePasidCacheOnly(int pasid) {
        for (int i = 0; i < 3; i++) {
            try (ScalableRig rig = new ScalableRig(keeping())) {
                rig.enable();
                rig.context(rig.directory | 1 << 3 | 1, pasid == NO_PASID ? PASID : 0);
                rig.memory.storeRelease(0x5000, 5);
                rig.memory.storeRelease(0x6000, 6);
                tables(rig, true, PASID, 0x5000);
                assertThat(rig.word(pasid, IOVA)).isEqualTo(5);
                tables(rig, true, PASID, 0x6000);
                rig.invalidateContexts();
                rig.invalidateIotlb();
                rig.invalidatePasid(DOMAIN, OTHER_PASID);
                rig.invalidatePasid(OTHER_DOMAIN, PASID);
                rig.invalidatePasids(OTHER_DOMAIN);
                assertThat(rig.word(pasid, IOVA)).isEqualTo(5);
                switch (i) {
                    case 0 -> rig.invalidatePasid(DOMAIN, PASID);
                    case 1 -> rig.invalidatePasids(DOMAIN);
                    default -> rig.invalidatePasids();
                }
                assertThat(rig.word(pasid, IOVA)).as("what was cached of its pages").isEqualTo(5);
                rig.invalidatePasidIotlb(DOMAIN, PASID);
                assertThat(rig.word(pasid, IOVA)).isEqualTo(6);
            }
        }
    }

    @Test
    void aContextEntryLeavesByTheContextCacheOnly() {
        try (ScalableRig rig = new ScalableRig(keeping())) {
            rig.enable();
            tables(rig, true, PASID, 0x5000);
            rig.word(PASID, IOVA);
            rig.context(0, 0);
            rig.invalidatePasids();
            rig.invalidateIotlb();
            rig.word(PASID, IOVA);
            rig.invalidateDevice(DOMAIN);
            rig.expect(0x41, rig.read(PASID, IOVA));
        }
    }

    @Test
    void aDirectoryThatIsReplacedTakesBothCaches() {
        try (ScalableRig rig = new ScalableRig(keeping())) {
            rig.enable();
            tables(rig, true, PASID, 0x5000);
            rig.word(PASID, IOVA);
            long other = rig.rig.page();
            rig.context(other | 1 << 3 | 1, 0);
            rig.invalidatePasids();
            rig.word(PASID, IOVA);
            rig.invalidateContexts();
            rig.word(PASID, IOVA);
            rig.invalidatePasids();
            rig.expect(0x51, rig.read(PASID, IOVA));
        }
    }

    @Test
    void nothingThatFaultsIsKeptWithoutCachingMode() {
        for (CacheBehaviour caches : CacheBehaviour.values()) {
            try (ScalableRig rig = new ScalableRig(ScalableRig.options().caches(caches))) {
                rig.context(0, 0);
                rig.enable();
                rig.expect(0x41, rig.read(PASID, IOVA));
                rig.context(rig.directory | 1 << 3 | 1, 0);
                rig.expect(0x59, rig.read(PASID, IOVA));
                long root = rig.firstStage(PASID, DOMAIN, LEVELS);
                rig.expect(0x71, rig.read(PASID, IOVA));
                rig.mapFirst(root, LEVELS, IOVA, 0x5000, Rig.KIB4, USER_RW | 1L << 50);
                rig.expect(0x72, rig.read(PASID, IOVA));
                rig.mapFirst(root, LEVELS, IOVA, 0x5000, Rig.KIB4, USER_RW);
                rig.word(PASID, IOVA);
            }
        }
    }

    @Test
    void cachingModeHoldsOnToAbsentEntriesAndToSecondStage() {
        try (ScalableRig rig = new ScalableRig(keeping().cachingMode(true))) {
            rig.context(0, 0);
            rig.enable();
            rig.expect(0x41, rig.read(PASID, IOVA));
            rig.context(rig.directory | 1 << 3 | 1, 0);
            rig.expect(0x41, rig.read(PASID, IOVA));
            rig.invalidateDevice(0);
            rig.expect(0x59, rig.read(PASID, IOVA));
            long second = rig.secondStage(PASID, DOMAIN, 48, false);
            rig.expect(0x59, rig.read(PASID, IOVA));
            rig.invalidatePasid(DOMAIN, OTHER_PASID);
            rig.expect(0x59, rig.read(PASID, IOVA));
            rig.invalidatePasid(DOMAIN, PASID);
            rig.expect(0x79, rig.read(PASID, IOVA));
            rig.mapSecond(second, LEVELS, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.expect(0x79, rig.read(PASID, IOVA));
            rig.invalidatePasidIotlb(DOMAIN, PASID);
            rig.expect(0x79, rig.read(PASID, IOVA));
            rig.invalidatePages(DOMAIN, IOVA, 0, false);
            rig.word(PASID, IOVA);

            long first = rig.firstStage(OTHER_PASID, OTHER_DOMAIN, LEVELS);
            rig.expect(0x71, rig.read(OTHER_PASID, IOVA));
            rig.mapFirst(first, LEVELS, IOVA, 0x5000, Rig.KIB4, USER_RW);
            rig.word(OTHER_PASID, IOVA);
        }
    }

    /* A write that the unit has translated is waited for, though the descriptor does not say so. */
    @Test
    void theInvalidationOfAPasidAlwaysDrains() throws InterruptedException {
        InFlight inFlight = new InFlight();
        TranslationCaches caches =
                new TranslationCaches(
                        ScalableRig.options(),
                        Rig.views(PhysicalMemory.allocate(4096)),
                        null,
                        null);
        Invalidations invalidations = new Invalidations(caches, inFlight, true);
        int slot = inFlight.begin(caches.generation(), true);
        invalidations.translations(
                new Descriptor((long) DOMAIN << 16 | 2 << 4 | Descriptor.IOTLB, 0, 0));
        invalidations.await();
        long pasidIotlb = (long) PASID << 32 | DOMAIN << 16 | 2 << 4 | Descriptor.PASID_IOTLB;
        invalidations.translationsOfPasid(new Descriptor(pasidIotlb, 0, 0));
        Thread waiting = Thread.ofPlatform().start(invalidations::await);
        waiting.join(100);
        assertThat(waiting.isAlive()).isTrue();
        inFlight.end(slot);
        waiting.join();
    }
}
