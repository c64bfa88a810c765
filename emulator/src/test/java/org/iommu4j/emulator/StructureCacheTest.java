package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the paging-structure caches save, and when they forget. */
class StructureCacheTest {

    private static final long IOVA = 0x1_8040_3000L;

    private final List<Long> loads = new ArrayList<>();

    @ParameterizedTest
    @CsvSource({"39, 3", "48, 4", "57, 5"})
    void aHitSkipsTheLevelsAbove(int width, int levels) {
        try (Rig rig = new Rig(Rig.options().walkObserver(Rig.beforeLoad(loads::add)))) {
            long root = rig.attach(width);
            for (long i = 0; i < 3; i++) {
                rig.map(root, width, IOVA + i * Rig.KIB4, 0x5000, Rig.KIB4, Rig.RW);
            }
            rig.map(root, width, IOVA + Rig.MIB2, 0x5000, Rig.KIB4, Rig.RW);
            assertThat(loadsOf(rig, IOVA)).isEqualTo(4 + levels);
            assertThat(loadsOf(rig, IOVA)).isZero();
            assertThat(loadsOf(rig, IOVA + Rig.KIB4)).isEqualTo(1);
            assertThat(loadsOf(rig, IOVA + Rig.MIB2)).isEqualTo(2);
            rig.invalidatePages(IOVA + Rig.KIB4, 0, true);
            assertThat(loadsOf(rig, IOVA + Rig.KIB4)).isEqualTo(1);
            rig.invalidatePages(IOVA + Rig.KIB4, 0, false);
            assertThat(loadsOf(rig, IOVA + Rig.KIB4)).isEqualTo(levels);
            rig.invalidatePages(IOVA + Rig.MIB2, 0, false);
            /* The table of IOVA is not on the way to that page. */
            assertThat(loadsOf(rig, IOVA + 2 * Rig.KIB4)).isEqualTo(1);
            rig.invalidatePages(IOVA, 9, false);
            assertThat(loadsOf(rig, IOVA)).isEqualTo(levels);
            rig.invalidateDomain(Rig.DOMAIN);
            assertThat(loadsOf(rig, IOVA)).isEqualTo(levels);
            rig.invalidateAll();
            assertThat(loadsOf(rig, IOVA)).isEqualTo(levels);
            rig.invalidateContexts();
            assertThat(loadsOf(rig, IOVA)).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, ORDINARY",
        "2, ORDINARY",
        "3, ORDINARY",
        "1, KEEPS_EVERYTHING",
        "2, KEEPS_EVERYTHING",
        "3, KEEPS_EVERYTHING"
    })
    void aTableThatWasReplacedIsUsedWhileOnlyLeavesAreInvalidated(
            int level, CacheBehaviour caches) {
        try (Rig rig = new Rig(Rig.options().caches(caches))) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.memory.storeRelease(0x5000, 5);
            rig.memory.storeRelease(0x6000, 6);
            assertThat(rig.word(IOVA)).isEqualTo(5);
            long table = root;
            for (int i = 3; i > level; i--) {
                table = rig.memory.loadAcquire(Rig.entry(table, IOVA, i)) & -4096;
            }
            long other = rig.page();
            rig.map(other, 48, IOVA, 0x6000, Rig.KIB4, Rig.RW);
            for (int i = 3; i > level; i--) {
                other = rig.memory.loadAcquire(Rig.entry(other, IOVA, i)) & -4096;
            }
            rig.memory.storeRelease(
                    Rig.entry(table, IOVA, level),
                    rig.memory.loadAcquire(Rig.entry(other, IOVA, level)));
            rig.invalidatePages(IOVA, 18, true);
            assertThat(rig.word(IOVA)).isEqualTo(5);
            rig.invalidatePages(IOVA, 0, false);
            assertThat(rig.word(IOVA)).isEqualTo(6);
        }
    }

    @Test
    void whatTablesForbidIsForbiddenThroughTheCacheToo() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            rig.map(root, 48, IOVA + Rig.KIB4, 0x5000, Rig.KIB4, Rig.RW);
            long entry = Rig.entry(root, IOVA, 3);
            rig.memory.storeRelease(entry, rig.memory.loadAcquire(entry) & ~Rig.WRITE);
            rig.word(IOVA);
            assertThat(rig.write(IOVA + Rig.KIB4, 1).code()).isEqualTo(FaultReason.NO_WRITE);
        }
    }

    @Test
    void nothingThatFaultsIsKeptWithoutCachingMode() {
        for (CacheBehaviour caches : CacheBehaviour.values()) {
            try (Rig rig = new Rig(Rig.options().caches(caches))) {
                rig.context(0, 0);
                rig.enable();
                assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
                long root = rig.page();
                rig.context(root | 1, Rig.DOMAIN << 8 | 2);
                assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);
                long entry = rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW | 1L << 62);
                assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.TABLE_RESERVED);
                rig.memory.storeRelease(entry, 0x5000 | Rig.RW);
                rig.word(IOVA);
            }
        }
    }

    @Test
    void cachingModeHoldsOnToWhatIsNotPresent() {
        EmulatorOptions options =
                Rig.options().cachingMode(true).caches(CacheBehaviour.KEEPS_EVERYTHING);
        try (Rig rig = new Rig(options)) {
            long source = rig.device.source().requester();
            rig.context(0, 0);
            rig.enable();
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
            long root = rig.page();
            rig.context(root | 1, Rig.DOMAIN << 8 | 2);
            rig.submit((long) Rig.DOMAIN << 16 | source << 32 | 3 << 4 | 1, 0);
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.CONTEXT_NOT_PRESENT);
            rig.submit(source << 32 | 3 << 4 | 1, 0);
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);

            /* A page in a table that is new: leaves only is not enough. */
            rig.map(root, 48, IOVA, 0x5000, Rig.KIB4, Rig.RW);
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);
            rig.invalidatePages(IOVA, 0, true);
            assertThat(rig.read(IOVA).code()).isEqualTo(FaultReason.NO_READ);
            rig.invalidatePages(IOVA, 0, false);
            rig.word(IOVA);

            /* A page in a table that was there, and a large one where nothing was. */
            assertThat(rig.read(IOVA + Rig.KIB4).code()).isEqualTo(FaultReason.NO_READ);
            rig.map(root, 48, IOVA + Rig.KIB4, 0x5000, Rig.KIB4, Rig.RW);
            assertThat(rig.read(IOVA + Rig.KIB4).code()).isEqualTo(FaultReason.NO_READ);
            rig.invalidatePages(IOVA + Rig.KIB4, 0, true);
            rig.word(IOVA + Rig.KIB4);
            long large = (IOVA & -Rig.MIB2) + Rig.MIB2;
            assertThat(rig.read(large).code()).isEqualTo(FaultReason.NO_READ);
            rig.map(root, 48, large, 0, Rig.MIB2, Rig.RW);
            assertThat(rig.read(large).code()).isEqualTo(FaultReason.NO_READ);
            rig.invalidatePages(large, 9, true);
            rig.word(large);
        }
    }

    private int loadsOf(Rig rig, long iova) {
        loads.clear();
        rig.word(iova);
        return loads.size();
    }
}
