package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.emulator.HandDriver.BLOCK;
import static org.iommu4j.emulator.HandDriver.PAGE;

import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.iommu4j.emulator.HandDriver.Defect;
import org.iommu4j.machine.DmaOutcome;
import org.iommu4j.machine.Sanitizer.Finding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each detector finds a driver that is wrong in exactly its way, and does not find the same driver
 * when it is right.
 */
class SanitizerDefectsTest {

    private static final EmulatorOptions COHERENT =
            EmulatorOptions.legacy()
                    .memory(16 << 20)
                    .tableMemory(4 << 20)
                    .caches(CacheBehaviour.KEEPS_EVERYTHING);
    private static final EmulatorOptions NON_COHERENT = COHERENT.coherent(false);

    /** In every mode: the driver is right, and nothing is found. It is wrong: the rule is named. */
    private static void finds(
            String rule, EmulatorOptions options, Defect defect, Consumer<HandDriver> story) {
        findsIn(options, rule, defect, story);
        findsIn(options.scalable(true), rule, defect, story);
        findsIn(options.scalable(true).firstStage(false), rule, defect, story);
    }

    private static void findsIn(
            EmulatorOptions options, String rule, Defect defect, Consumer<HandDriver> story) {
        try (HandDriver right = new HandDriver(options)) {
            story.accept(right);
            assertThat(right.sanitizer().findings()).isEmpty();
        }
        try (HandDriver wrong = new HandDriver(options, defect)) {
            story.accept(wrong);
            List<Finding> findings = wrong.sanitizer().findings();
            assertThat(wrong.sanitizer().count()).isEqualTo(findings.size()).isPositive();
            assertThat(findings).extracting(Finding::rule).containsOnly(rule);
            assertThat(findings.getFirst().history()).isNotEmpty();
        }
    }

    /** Attached, the first block mapped, and the unit knows it. */
    private static void begin(HandDriver driver) {
        driver.attach();
        driver.mapBlock(0, BLOCK);
        driver.read(5 * PAGE);
    }

    /** The block's pages mapped each by itself. */
    private static void beginSplit(HandDriver driver) {
        begin(driver);
        driver.split(0);
        driver.read(5 * PAGE);
        driver.read(6 * PAGE);
    }

    @Test
    void S7_a_tableNotWrittenBack() {
        finds(
                "S7",
                NON_COHERENT,
                Defect.A_ONLY_THE_PARENT_IS_WRITTEN_BACK,
                driver -> {
                    begin(driver);
                    driver.unmapPage(7 * PAGE);
                    driver.read(5 * PAGE);
                });
    }

    @Test
    void S7_tableNotWrittenBackNorAnnounced() {
        finds(
                "S7",
                NON_COHERENT,
                Defect.TABLE_NOT_WRITTEN_BACK_NOR_ANNOUNCED,
                driver -> {
                    begin(driver);
                    driver.unmapPage(7 * PAGE);
                    driver.read(5 * PAGE);
                });
    }

    @Test
    void S5_c_aLostExchangeAborts() {
        finds(
                "S5",
                COHERENT,
                Defect.C_A_LOST_EXCHANGE_ABORTS,
                driver -> {
                    begin(driver);
                    driver.meanwhile =
                            () -> {
                                driver.meanwhile = () -> {};
                                long slot = driver.blockSlot(0);
                                driver.memory
                                        .unobserved()
                                        .storeRelease(
                                                slot,
                                                driver.memory.loadAcquire(slot)
                                                        | driver.format().dirty);
                            };
                    driver.unmapPage(7 * PAGE);
                });
    }

    @Test
    void G2_h_theInvalidationIsTooSmall() {
        finds(
                "G2",
                COHERENT,
                Defect.H_SMALL_INVALIDATION,
                driver -> {
                    begin(driver);
                    driver.unmapPage(7 * PAGE);
                    driver.read(7 * PAGE);
                });
    }

    @Test
    void G3_i_theHintIsGivenThoughATableWent() {
        finds(
                "G3",
                COHERENT,
                Defect.I_LEAF_ONLY_HINT,
                driver -> {
                    beginSplit(driver);
                    driver.unmapBlock(0);
                    driver.read(5 * PAGE);
                });
    }

    @Test
    void G3_aFaultThroughATableThatWent() {
        finds(
                "G3",
                COHERENT,
                Defect.I_LEAF_ONLY_HINT,
                driver -> {
                    beginSplit(driver);
                    driver.unmapPage(8 * PAGE);
                    driver.unmapBlock(0);
                    driver.mapBlock(0, 2 * BLOCK);
                    driver.read(8 * PAGE);
                });
    }

    @Test
    void S4_j_aDirtyBitIsLost() {
        finds(
                "S4",
                COHERENT,
                Defect.J_THE_ENTRY_IS_READ_AGAIN,
                driver -> {
                    begin(driver);
                    driver.meanwhile =
                            () -> {
                                driver.meanwhile = () -> {};
                                long slot = driver.blockSlot(0);
                                driver.memory
                                        .unobserved()
                                        .storeRelease(
                                                slot,
                                                driver.memory.loadAcquire(slot)
                                                        | driver.format().dirty);
                            };
                    driver.unmapPage(7 * PAGE);
                });
    }

    @Test
    void S4_j_aDirtyBitThatTheUnitSetsIsLost() {
        Consumer<HandDriver> story =
                driver -> {
                    begin(driver);
                    driver.meanwhile =
                            () -> {
                                driver.meanwhile = () -> {};
                                driver.write(9 * PAGE, 1);
                            };
                    driver.unmapPage(7 * PAGE);
                };
        EmulatorOptions options = COHERENT.scalable(true);
        findsIn(options, "S4", Defect.J_THE_ENTRY_IS_READ_AGAIN, story);
        findsIn(options.firstStage(false), "S4", Defect.J_THE_ENTRY_IS_READ_AGAIN, story);
    }

    @Test
    void S7_k_aClearedEntryIsNotWrittenBack() {
        finds(
                "S7",
                NON_COHERENT.seed(3),
                Defect.K_CLEARED_ENTRY_NOT_WRITTEN_BACK,
                driver -> {
                    beginSplit(driver);
                    for (int page = 16; page < 48; page++) {
                        driver.unmapPage(page * PAGE);
                        driver.read(page * PAGE);
                    }
                });
    }

    @Test
    void S7_aMappingIsNotWrittenBack() {
        finds(
                "S7",
                NON_COHERENT.seed(3),
                Defect.MAPPING_NOT_WRITTEN_BACK,
                driver -> {
                    driver.attach();
                    for (int page = 0; page < 64; page += 8) {
                        driver.mapPage(page * PAGE, BLOCK + page * PAGE);
                        driver.read(page * PAGE);
                    }
                });
    }

    @Test
    void G1_aTableIsReturnedBeforeTheInvalidation() {
        finds(
                "G1",
                COHERENT,
                Defect.TABLES_RETURNED_BEFORE_THE_INVALIDATION,
                driver -> {
                    beginSplit(driver);
                    driver.meanwhile = () -> driver.read(9 * PAGE);
                    driver.unmapBlock(0);
                });
    }

    @Test
    void G1_aTableIsLinkedElsewhereBeforeTheInvalidation() {
        finds(
                "G1",
                COHERENT,
                Defect.TABLES_RETURNED_BEFORE_THE_INVALIDATION,
                driver -> {
                    beginSplit(driver);
                    driver.meanwhile =
                            () -> {
                                driver.meanwhile = () -> {};
                                driver.mapPage(2 * BLOCK, BLOCK);
                                driver.read(9 * PAGE);
                            };
                    driver.unmapBlock(0);
                });
    }

    @Test
    void L2_aDeviceUsesTablesAfterItWasDetached() {
        finds(
                "L2",
                COHERENT,
                Defect.CONTEXT_CACHE_NOT_INVALIDATED,
                driver -> {
                    begin(driver);
                    driver.detach();
                    driver.read(5 * PAGE);
                });
    }

    @Test
    void G5_whatIsNotPresentIsHeldAfterItsInvalidation() {
        Consumer<HandDriver> story =
                driver -> {
                    driver.attach();
                    driver.mapPage(0, BLOCK);
                    driver.read(5 * PAGE);
                    driver.mapPage(5 * PAGE, BLOCK);
                    driver.read(5 * PAGE);
                };
        EmulatorOptions options = COHERENT.cachingMode(true);
        Defect defect = Defect.MAPPING_INVALIDATED_ELSEWHERE;
        findsIn(options, "G5", defect, story);
        findsIn(options.scalable(true).firstStage(false), "G5", defect, story);
    }

    @Test
    void S1_aFaultOnWhatIsMapped() {
        finds("S1", COHERENT, Defect.RESERVED_BIT, SanitizerDefectsTest::begin);
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "SPLIT_BREAKS_FIRST",
                "SPLIT_WITH_A_WRONG_STRIDE",
                "SPLIT_DROPS_WRITE_PERMISSION",
                "SPLIT_DROPS_THE_MEMORY_TYPE"
            })
    void S1_aLiveEntryIsChangedInAForbiddenWay(Defect defect) {
        String rule = defect == Defect.SPLIT_DROPS_THE_MEMORY_TYPE ? "S2" : "S1";
        finds(
                rule,
                COHERENT,
                defect,
                driver -> {
                    begin(driver);
                    driver.unmapPage(7 * PAGE);
                });
    }

    @Test
    void S1_anEntryIsClearedThatNobodyUnmaps() {
        finds(
                "S1",
                COHERENT,
                Defect.UNMAPS_MORE_THAN_IT_SAYS,
                driver -> {
                    beginSplit(driver);
                    driver.unmapPage(10 * PAGE);
                });
    }

    @Test
    void aFindingTellsItsHistory() {
        try (HandDriver driver = new HandDriver(COHERENT, Defect.H_SMALL_INVALIDATION)) {
            begin(driver);
            driver.unmapPage(7 * PAGE);
            driver.read(7 * PAGE);
            String text = driver.sanitizer().findings().getFirst().toString();
            assertThat(text.toLowerCase(Locale.ROOT))
                    .containsSubsequence(
                            "g2: device 0x8, at 0x7000, uses a translation",
                            "has mapped 0x0-0x1fffff",
                            "unmaps 0x7000-0x7fff",
                            "a leaf to 0x200000 rw (0x2000a3) -> a table at 0x",
                            "has unmapped 0x7000-0x7fff",
                            "has invalidated");
        }
    }

    @Test
    void withTheSanitizerOffNobodyListens() {
        try (HandDriver driver = new HandDriver(COHERENT.sanitizer(false))) {
            begin(driver);
            assertThat(driver.read(5 * PAGE)).isEqualTo(DmaOutcome.DONE);
            assertThat(driver.machine.sanitizer()).isEmpty();
            assertThat(driver.witness.moment()).isZero();
        }
    }
}
